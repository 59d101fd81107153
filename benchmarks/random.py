"""What a random number costs, beside torch, numpy and `torch.func._random`: `make bench`, `make bench-gpu`.

Every round times each way of a draw once, in turn, in this process; shown are the medians over the
rounds, in ns a number, and the median of each round's ratio: how many times as long as samebits the
other takes.  `new` makes a tensor, `out` fills one that is there: of 10**8 numbers that alone, as fresh
memory costs more than numbers do.  numpy has one thread always.  With one thread the thread's CPU time
counts, to which other programs add nothing.  A second table has the other tiers of the core, and plain
torch (`eager`), with one thread.

Targets: `TARGETS` times torch's speed from 10**4 numbers on; 1,000 numbers in at most 1.5 times its time.
Writes benchmarks/results/random-cpu.csv or random-cuda.csv if nothing is left out.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.machine import describe, write
from samebits import random
from samebits.random import core
from samebits.random.distributions.permutation import permutation

RESULTS = Path(__file__).parent / "results"
SIZES = (10**3, 10**4, 10**5, 10**6, 10**7, 10**8)
QUICK = (10**3, 10**5, 10**6)
SMALL = SIZES[0]
#: Of 10**8 numbers, the largest, only `out` is timed.
NEW_AT_MOST = 10**7
#: Times torch's speed, and at 1,000 numbers times its time.
TARGETS = {
    "cpu": {"uniform": 5.0, "normal": 2.5, "bernoulli": 8.0, "permutation": 1.0},
    "cuda": dict.fromkeys(("uniform", "normal", "randint", "bernoulli", "exponential", "permutation"), 0.9),
}
MOST_TIME = 1.5
SEED = 202003
P = 0.1
LOW, HIGH = 0, 1000

Call = Callable[[], Any]


@dataclass(frozen=True)
class Distribution:
    """A distribution as everyone draws it.

    Attributes:
        name, dtype: of the rows.
        ours: (key, n, out) -> numbers; `out` is None for a new tensor.
        torchs: (n, out) -> numbers.
        upstreams: as `ours`, where `torch.func._random` has the distribution.
        numpys: (generator, n, out) -> numbers; `out` as an array.
        numpy_fills: whether numpy's function can fill an array that is there.
    """

    name: str
    dtype: torch.dtype
    ours: Callable[[Tensor, int, Tensor | None], Any]
    torchs: Callable[[int, Tensor | None], Any]
    numpys: Callable[[np.random.Generator, int, Any], Any]
    upstreams: Callable[[Any, Tensor, int, Tensor | None], Any] | None = None
    numpy_fills: bool = False

    @property
    def title(self) -> str:
        return f"{self.name} {str(self.dtype).removeprefix('torch.')}"


def distributions(device: str) -> list[Distribution]:
    """All distributions that are timed."""

    def filled(n: int, out: Tensor | None, dtype: torch.dtype) -> Tensor:
        return torch.empty(n, dtype=dtype, device=device) if out is None else out

    def integers(dtype: torch.dtype, narrow: type[Any]) -> Distribution:
        return Distribution(
            "randint",
            dtype,
            lambda key, n, out: random.randint(key, n, low=LOW, high=HIGH, dtype=dtype, out=out),
            lambda n, out: (
                torch.randint(LOW, HIGH, (n,), dtype=dtype, device=device)
                if out is None
                else torch.randint(LOW, HIGH, (n,), out=out)
            ),
            lambda generator, n, out: generator.integers(LOW, HIGH, n, dtype=narrow),
        )

    def trials(dtype: torch.dtype) -> Distribution:
        return Distribution(
            "bernoulli",
            dtype,
            lambda key, n, out: random.bernoulli(key, n, p=P, dtype=dtype, out=out),
            lambda n, out: filled(n, out, dtype).bernoulli_(P),
            lambda generator, n, out: generator.random(n, np.float32) < P,
        )

    single = torch.float32
    return [
        Distribution(
            "uniform",
            single,
            lambda key, n, out: random.uniform(key, n, out=out),
            lambda n, out: torch.rand(n, out=out, device=device),
            lambda generator, n, out: generator.random(n, np.float32, out),
            lambda module, key, n, out: module.uniform(key, n) if out is None else module.uniform_(key, out),
            True,
        ),
        Distribution(
            "normal",
            single,
            lambda key, n, out: random.normal(key, n, out=out),
            lambda n, out: torch.randn(n, out=out, device=device),
            lambda generator, n, out: generator.standard_normal(n, np.float32, out),
            lambda module, key, n, out: module.normal(key, n) if out is None else module.normal_(key, out),
            True,
        ),
        integers(torch.int32, np.int32),
        integers(torch.int64, np.int64),
        trials(single),
        trials(torch.bool),
        Distribution(
            "exponential",
            single,
            lambda key, n, out: random.exponential(key, n, out=out),
            lambda n, out: filled(n, out, single).exponential_(),
            lambda generator, n, out: generator.standard_exponential(n, np.float32, out=out),
            None,
            True,
        ),
        Distribution(
            "permutation",
            torch.int64,
            lambda key, n, out: permutation(key, n, out=out),
            lambda n, out: torch.randperm(n, out=out, device=device),
            lambda generator, n, out: generator.permutation(n),
        ),
    ]


def ways(distribution: Distribution, n: int, out: Tensor | None, device: str) -> Iterator[tuple[str, Call]]:
    """Everyone's way to draw n numbers, samebits' first."""
    key = random.key(SEED, device=device)
    yield "samebits", lambda: distribution.ours(key, n, out)
    yield "torch", lambda: distribution.torchs(n, out)
    if distribution.upstreams is not None and find_spec("torch.func._random") is not None:
        module, upstreams = import_module("torch.func._random"), distribution.upstreams
        theirs = torch.func._random.key(SEED, device=device)
        try:
            upstreams(module, theirs, 4, None if out is None else out[:4])
            yield "torch.func._random", lambda: upstreams(module, theirs, n, out)
        except (NotImplementedError, RuntimeError):
            pass  # not on this device
    if device == "cpu" and (out is None or distribution.numpy_fills):
        array = None if out is None else out.numpy()
        for engine in (np.random.PCG64, np.random.SFC64):
            generator = np.random.Generator(engine(SEED))
            yield (
                f"numpy {engine.__name__}",
                lambda generator=generator: distribution.numpys(generator, n, array),
            )


def seconds(call: Call, times: int, device: str) -> float:
    if device == "cuda":
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        start.record()
        for _ in range(times):
            call()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3 / times
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    began = clock()
    for _ in range(times):
        call()
    return (clock() - began) / times


def rounds_of(n: int, wanted: int) -> int:
    """Fewer of the largest, which take long and vary little."""
    return wanted if n <= 10**6 else max(3, wanted // 3)


def timed(calls: Sequence[Call], rounds: int, block: float, device: str) -> list[list[float]]:
    """Each call's seconds in each round."""
    times = []
    for call in calls:
        call()
        once = seconds(call, 1, device)
        if once < block:  # the first call may have been a slow one
            once = min(once, seconds(call, max(1, min(100, int(block / 10 / max(once, 1e-7)))), device))
        times.append(max(1, min(5000, int(block / max(once, 1e-7)))))
    found: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for values, call, number in zip(found, calls, times, strict=True):
            values.append(seconds(call, number, device))
    return found


def measure(
    distribution: Distribution, n: int, mode: str, device: str, rounds: int, block: float
) -> list[dict[str, Any]]:
    """Rows of one draw: everyone's ns a number, and how many times samebits' time that is."""
    out = None if mode == "new" else torch.empty(n, dtype=distribution.dtype, device=device)
    names, calls = zip(*ways(distribution, n, out, device), strict=True)
    found = timed(calls, rounds_of(n, rounds), block, device)
    rows = []
    for name, values in zip(names, found, strict=True):
        ratios = sorted(other / ours for other, ours in zip(values, found[0], strict=True))
        rows.append(
            {
                "distribution": distribution.name,
                "dtype": str(distribution.dtype).removeprefix("torch."),
                "into": mode,
                "elements": n,
                "threads": torch.get_num_threads(),
                "tier": tier(device),
                "who": name,
                "ns": statistics.median(values) / n * 1e9,
                "ratio": statistics.median(ratios),
                "low": ratios[len(ratios) // 4],
                "high": ratios[len(ratios) * 3 // 4],
            }
        )
    gc.collect()
    return rows


def tier(device: str) -> str:
    if device != "cpu":
        return device
    loaded = core.get()
    return "eager" if loaded is None else loaded.tier


def show(distribution: Distribution, rows: list[dict[str, Any]]) -> None:
    first = rows[0]
    others = "  ".join(f"{row['who']} {row['ns']:.3f} ({row['ratio']:.2f})" for row in rows[1:])
    print(
        f"{distribution.title:22} {first['threads']:2} {first['into']:4} {first['elements']:10,} "
        f"{first['tier']:7} {first['ns']:9.3f}  {others}",
        flush=True,
    )


def other_tiers(names: Sequence[str], n: int, rounds: int, block: float) -> list[dict[str, Any]]:
    """The second table: each distribution by each tier, in memory that is there, beside torch."""
    rows = []
    for name in names:
        with core.using(name):
            for distribution in distributions("cpu"):
                # eager is a hundred times slower: fewer numbers say as much
                found = measure(
                    distribution, min(n, 10**5) if name == "eager" else n, "out", "cpu", rounds, block
                )
                found = [row for row in found if row["who"] in ("samebits", "torch")]
                show(distribution, found)
                rows += found
    return rows


def summary(rows: list[dict[str, Any]], device: str) -> None:
    """torch's time in multiples of samebits', and what misses its target."""
    torchs = [row for row in rows if row["who"] == "torch"]
    sizes = sorted({row["elements"] for row in torchs})
    targets = TARGETS[device]
    print("\ntorch's time over samebits' (* misses its target)")
    print(f"{'distribution':22} {'thr':>3} {'into':4}" + "".join(f"{n:>13,}" for n in sizes) + "  target")
    lines: dict[tuple[str, int, str], dict[int, float]] = {}
    for row in torchs:
        line = (f"{row['distribution']} {row['dtype']}", row["threads"], row["into"])
        lines.setdefault(line, {})[row["elements"]] = row["ratio"]
    missed = 0
    for (title, threads, into), ratios in lines.items():
        target = targets.get(title.split()[0], 0.0)
        shown = ""
        for n in sizes:
            least = 1 / MOST_TIME if n == SMALL and device == "cpu" else target
            low = n in ratios and ratios[n] < least
            missed += low
            shown += f"{ratios[n]:12.2f}{'*' if low else ' '}" if n in ratios else " " * 13
        print(f"{title:22} {threads:3} {into:4}{shown}  {target or '':>6}")
    print(f"{missed} of {len(torchs)} miss their target (at {SMALL:,} on a CPU: 1/{MOST_TIME} = 0.67)")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--only", metavar="DISTRIBUTION", help="the results are not kept")
    parser.add_argument("--quick", action="store_true", help="three sizes, few rounds; not kept either")
    parser.add_argument(
        "--sizes", type=int, nargs="+", metavar="N", help="numbers of a draw; not kept either"
    )
    parser.add_argument(
        "--csv", type=Path, help="write the rows here, too, also those of a part or before Ctrl-C"
    )
    parser.add_argument("--threads", type=int, nargs="+", help="1 and 2 by default; others are not kept")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--block", type=float, default=0.01, help="seconds that one way runs at a time")
    options = parser.parse_args()
    device = options.device
    if device == "cuda" and not torch.cuda.is_available():
        print("no CUDA device is here: this runs on the CPU, and says nothing about CUDA")
        device = "cpu"
    sizes = options.sizes or (QUICK if options.quick else SIZES)
    rounds, block = (5, 0.003) if options.quick else (options.rounds, options.block)
    chosen = [
        distribution for distribution in distributions(device) if options.only in (None, distribution.name)
    ]
    threads_before = torch.get_num_threads()
    rows: list[dict[str, Any]] = []
    print(
        f"{'distribution':22} th into {'elements':>10} tier    {'ns each':>9}  the others' (their time over "
        "ours)"
    )
    try:
        for threads in options.threads or ([1, 2] if device == "cpu" else [threads_before]):
            torch.set_num_threads(threads)
            for n in sizes:
                for distribution in chosen:
                    for mode in ("new", "out") if n <= NEW_AT_MOST else ("out",):
                        found = measure(distribution, n, mode, device, rounds, block)
                        show(distribution, found)
                        rows += found
        slower = []
        if device == "cpu" and options.only is None and options.sizes is None:
            torch.set_num_threads(1)
            best = tier(device)
            print("\nother tiers")
            slower = other_tiers([name for name in core.tiers() if name != best], 10**6, rounds, block)
    finally:
        torch.set_num_threads(threads_before)
        if options.csv is not None and rows:
            write(options.csv, [row | {"numpy": np.__version__} for row in rows])
    summary(rows, device)
    if not (options.only or options.quick or options.sizes or options.threads):
        write(RESULTS / f"random-{device}.csv", [row | {"numpy": np.__version__} for row in rows + slower])
    print(f"{describe()}, numpy {np.__version__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
