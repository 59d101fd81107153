"""How near `samebits.portable` and torch's own kernels come to float64.

The float32 cases of tests/arithmetic/cases.py, results and gradients, beside those of torch's kernels
in float64 on the same inputs.  An operation's error is the mean distance to them, in units of a result's mean
magnitude; of several results and shapes the mean.  What is below a hundredth of float32's unit counts as
that much.

Writes benchmarks/results/portable-accuracy.csv if no names are given.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from tests.arithmetic.cases import Case, Operation, cases, results
from torch import Tensor

import samebits
from benchmarks.machine import describe, write
from benchmarks.portable import timing

RESULT = Path(__file__).parents[1] / "results" / "portable-accuracy.csv"
#: The geometric mean of our error over torch's, at most.
TARGET = 1.25
#: Errors below are nobody's: the result was exact.
LEAST = torch.finfo(torch.float32).eps / 100


def tensors(operation: Operation, inputs: list[Tensor], cotangents: list[Tensor] | None = None) -> Any:
    """Results and gradients in floating point, and what the gradients began with."""
    found = results(operation, inputs, cotangents)
    both = [*found.outputs, *(x for x in found.gradients if x is not None)]
    return [x for x in both if x.is_floating_point()], found.cotangents


def chosen(names: list[str]) -> list[Case]:
    return [
        case
        for case in cases()
        if case.dtype is torch.float32
        and case.layout == "contiguous"
        and torch.float64 in case.operation.dtypes
        and (not names or case.operation.name in names)
    ]


def errors(ours: list[Tensor], native: list[Tensor], exact: list[Tensor]) -> Iterator[tuple[float, float]]:
    """Ours and torch's, of each result and gradient."""
    for mine, theirs, truth in zip(ours, native, exact, strict=True):
        if truth.dtype is not torch.float64:  # the call asks for another one
            continue
        finite = truth.isfinite() & theirs.isfinite() & mine.isfinite()
        scale = float(truth[finite].abs().mean())
        if finite.any() and scale:
            yield (
                distance(mine[finite], truth[finite]) / scale,
                distance(theirs[finite], truth[finite]) / scale,
            )


def distance(x: Tensor, truth: Tensor) -> float:
    return float((x.double() - truth).abs().mean())


def measure(names: list[str]) -> Iterator[dict[str, Any]]:
    """A row for each operation that rounds."""
    computed = []
    with samebits.random.portable(0):
        for case in chosen(names):
            inputs = case.inputs()
            native, cotangents = tensors(case.operation, inputs)
            exact, _ = tensors(case.operation, [x.double() for x in inputs], [x.double() for x in cotangents])
            computed.append((case, cotangents, native, exact))
    found: dict[str, list[tuple[float, float]]] = {}
    with samebits.portable(0, undefined="warn"):
        for case, cotangents, native, exact in computed:
            ours, _ = tensors(case.operation, case.inputs(), cotangents)
            found.setdefault(case.operation.name, []).extend(errors(ours, native, exact))
    for name, pairs in found.items():
        if not pairs:
            continue
        ours_mean, native_mean = (max(LEAST, sum(column) / len(pairs)) for column in zip(*pairs, strict=True))
        if max(ours_mean, native_mean) > LEAST:
            yield {
                "operation": name,
                "ours": f"{ours_mean:.3e}",
                "native": f"{native_mean:.3e}",
                "ratio": ours_mean / native_mean,
                "results": len(pairs),
            }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="an operation of the cases, as exp; not kept"
    )
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    rows = sorted(measure(options.names), key=lambda row: -row["ratio"])
    for row in rows:
        print(f"{row['operation']:36} ours {row['ours']}  torch's {row['native']}  ratio {row['ratio']:6.2f}")
    mean = timing.geometric(row["ratio"] for row in rows)
    median = statistics.median(row["ratio"] for row in rows)
    print(print(f"{len(rows)} operations: geometric mean {mean:.3f} (target {TARGET}), median {median:.3f}"))
    if not options.names:
        write(RESULT, rows)
    print(describe())
    return mean > TARGET


if __name__ == "__main__":
    sys.exit(main())
