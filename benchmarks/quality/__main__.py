"""Whether the random numbers are as good as their distributions say: `make quality`.

Draws 10**9 numbers of each kind (of some fewer), counts what perfect numbers would have in known amounts, and
says how likely what was counted is.  The numbers are the same every time, so the outcome is.  With a thousand
results a probability of 0.001 is no surprise: the verdict is Bonferroni's, the smallest probability times how
many there are.  Writes benchmarks/results/random-quality.csv if nothing is left out.

    python -m benchmarks.quality [--numbers 1e9] [--only NAME]

`benchmarks.quality.streams` has the streams of words (of one key, of consecutive seeds, of split and folded
keys, ...), `bits` what they are tested for; `continuous` and `discrete` the distributions.

Other projects' batteries read the words from a pipe, without an end:

    python -m benchmarks.quality --stream words | dieharder -a -g 200     (Debian: dieharder)
    python -m benchmarks.quality --stream seeds | RNG_test stdin32        (PractRand)

TestU01 reads no pipe: give `unif01_CreateExternGenBits` a function that reads words of 32 bits from the
standard input, and its result to `bbattery_SmallCrush`, `bbattery_Crush` or `bbattery_BigCrush`; and once
more with the bits of each word reversed, for these look at the high bits most.  Numbers of float32 have 24
bits and TestU01 wants 32, so torch's, numpy's and these fail if given as they are: the stream `uniform` has
their bits end to end.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import describe, write
from benchmarks.quality import bits, continuous, discrete, streams
from benchmarks.quality.verdict import Counts, Source

RESULTS = Path(__file__).parents[1] / "results" / "random-quality.csv"
SEED = 20200301
NUMBERS = 1e9
#: The least probability, times the number of results, that is still chance.
VERDICT = 0.001


def sources(seed: int) -> Iterator[Source]:
    """All that is tested."""
    for stream in streams.streams(seed):
        yield Source(stream.name, stream.chunk, bits.TESTS, streams.CHUNK, stream.share)
    yield from continuous.sources(seed)
    yield from discrete.sources(seed)


def counted(source: Source, chunks: int, threads: int) -> list[tuple[Counts, int]]:
    """Each test's sum over the chunks, and over how many."""

    def one(number: int) -> list[Counts | None]:
        numbers = source.chunk(number)
        return [test.count(numbers) if number % test.every == 0 else None for test in source.tests]

    sums: list[Counts | None] = [None] * len(source.tests)
    seen = [0] * len(source.tests)
    with ThreadPoolExecutor(threads) as pool:
        for block in range(0, chunks, 64):  # so that results do not pile up
            for results in pool.map(one, range(block, min(block + 64, chunks))):
                for i, result in enumerate(results):
                    if result is not None:
                        before = sums[i]
                        sums[i] = result if before is None else before + result
                        seen[i] += 1
    return [(x, n) for x, n in zip(sums, seen, strict=True) if x is not None]


def examine(source: Source, numbers: float, threads: int) -> list[dict[str, Any]]:
    """The rows of a source."""
    chunks = max(1, math.ceil(numbers * source.share / source.size))
    rows = []
    for test, (counts, seen) in zip(source.tests, counted(source, chunks, threads), strict=True):
        for result in test.judge(counts, seen):
            rows.append(
                {
                    "numbers of": source.name,
                    "test": result.name,
                    "numbers": seen * source.size,
                    "statistic": f"{result.statistic:.6g}",
                    "p": f"{result.p:.4g}",
                }
            )
    return rows


def stream(name: str) -> None:
    """Words without an end, for a battery that reads them."""
    source = streams.find(name, SEED)
    number = 0
    try:
        while True:
            sys.stdout.buffer.write(source.chunk(number).data)
            number += 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader has enough; Python would complain at its end


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--numbers", type=float, default=NUMBERS, help="of each kind, or a part of them")
    parser.add_argument("--only", metavar="NAME", help="kinds whose name has this; the results are not kept")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    names = [one.name for one in streams.streams(SEED)]
    parser.add_argument("--stream", choices=names, help="write its words to the standard output")
    options = parser.parse_args()
    torch.set_num_threads(1)  # the chunks are drawn by several threads, each by one
    if options.stream:
        stream(options.stream)
        return 0
    rows: list[dict[str, Any]] = []
    print(f"{'numbers of':28} {'results':>7} {'numbers':>14} {'least p':>9}  of which")
    began = time.perf_counter()
    for source in sources(SEED):
        if options.only and options.only not in source.name:
            continue
        found = examine(source, options.numbers, options.threads)
        rows += found
        worst = min(found, key=lambda row: float(row["p"]))
        most = max(row["numbers"] for row in found)
        print(
            f"{source.name:28} {len(found):7} {most:14,} {float(worst['p']):9.2g}  {worst['test']}",
            flush=True,
        )
    worst = min(rows, key=lambda row: float(row["p"]))
    likely = min(1.0, float(worst["p"]) * len(rows))
    print(
        f"{len(rows)} results in {time.perf_counter() - began:.0f} s; the least probability is {worst['p']} "
        f"({worst['numbers of']}, {worst['test']}): of so many as small a one by chance: {likely:.2g}"
    )
    if options.only is None and options.numbers >= NUMBERS:
        write(RESULTS, rows)
    print(describe())
    return 0 if likely >= VERDICT else 1


if __name__ == "__main__":
    sys.exit(main())
