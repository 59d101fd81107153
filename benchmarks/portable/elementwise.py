"""What defined functions and reductions cost, beside torch's own, from a thousand to ten million numbers.

Both ways go through the dispatcher, in turn.

Writes benchmarks/results/portable-elementwise.csv if nothing is left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.machine import describe, write
from benchmarks.portable import timing

RESULT = Path(__file__).parents[1] / "results" / "portable-elementwise.csv"
TARGET = 1.1
SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
WIDTH = 250  # of the matrices whose rows are reduced

Arguments = Callable[[Tensor], tuple[Any, ...]]


def _itself(x: Tensor) -> tuple[Any, ...]:
    return (x,)


def _positive(x: Tensor) -> tuple[Any, ...]:
    return (x.abs() + 0.01,)


def _two(x: Tensor) -> tuple[Any, ...]:
    return (x, x.flip(0).clone())


def _result(function: Callable[[Tensor], Tensor]) -> Arguments:
    """Of a backward that takes the gradient and the forward's result."""
    return lambda x: (x.flip(0).clone(), function(x))


def _matrix(x: Tensor) -> Tensor:
    return x.view(-1, WIDTH)


def _rows(x: Tensor, *more: Any) -> tuple[Any, ...]:
    return (_matrix(x), *more)


def _each(arguments: Arguments, names: str) -> dict[str, Arguments]:
    return {f"aten::{name}": arguments for name in names.split()}


FUNCTIONS: dict[str, Arguments] = {
    **_each(
        _itself, "exp exp2 expm1 sin cos tanh sigmoid erf gelu silu softplus mish log_sigmoid_forward elu"
    ),
    **_each(_itself, "hardswish hardsigmoid reciprocal"),
    **_each(_positive, "log log2 log10 log1p rsqrt sqrt"),
    **_each(_two, "gelu_backward silu_backward mish_backward add.Tensor mul.Tensor div.Tensor"),
    "aten::sigmoid_backward": _result(torch.sigmoid),
    "aten::tanh_backward": _result(torch.tanh),
    "aten::threshold_backward": lambda x: (*_two(x), 0.0),
    "aten::pow.Tensor_Scalar": lambda x: (x.abs(), 2.5),
    "aten::addcmul": lambda x: (*_two(x), x),
    "aten::addcdiv": lambda x: (*_two(x), x.abs() + 1),
    "aten::lerp.Scalar": lambda x: (*_two(x), 0.1),
}

REDUCTIONS: dict[str, Arguments] = {
    "aten::sum": _itself,
    "aten::mean": _itself,
    "aten::sum.dim_IntList": lambda x: _rows(x, [1]),
    "aten::mean.dim": lambda x: _rows(x, [1]),
    "aten::var_mean.correction": lambda x: _rows(x, [1]),
    "aten::logsumexp": lambda x: _rows(x, [1]),
    "aten::linalg_vector_norm": _itself,
    "aten::cumsum": lambda x: _rows(x, 1),
    "aten::_softmax": lambda x: _rows(x, 1, False),
    "aten::_log_softmax": lambda x: _rows(x, 1, False),
    "aten::_softmax_backward_data": lambda x: (*map(_matrix, _two(x)), 1, x.dtype),
    "aten::_log_softmax_backward_data": lambda x: (*map(_matrix, _two(x)), 1, x.dtype),
    "aten::native_layer_norm": lambda x: _rows(x, [WIDTH], torch.ones(WIDTH), torch.zeros(WIDTH), 1e-5),
}


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    functions = timing.defined()
    torch.manual_seed(0)
    for schema, arguments in (FUNCTIONS | REDUCTIONS).items():
        if schema not in functions or (options.only and schema.split("::")[1] not in options.only):
            continue
        for threads in options.threads:
            torch.set_num_threads(threads)
            for size in SIZES:
                args = arguments(torch.randn(size))
                row = {
                    "operation": schema,
                    "kind": "function" if schema in FUNCTIONS else "reduction",
                    "elements": size,
                    "threads": threads,
                }
                yield row | timing.measured(schema, args, functions[schema], options.rounds, options.block)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="as exp, sum.dim_IntList; not kept")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--block", type=float, default=0.01, help="seconds that one way runs at a time")
    options = parser.parse_args()
    rows = []
    for row in measure(options):
        rows.append(row)
        print(
            f"{row['operation']:30} {row['threads']} {row['elements']:9} "
            f"{row['native us']:10.1f} {row['ours us']:10.1f} "
            f"{row['ratio']:6.2f} {row['low']:6.2f}-{row['high']:.2f}",
            flush=True,
        )
    for kind in ("function", "reduction"):
        for threads in options.threads:
            ratios = [row["ratio"] for row in rows if (row["kind"], row["threads"]) == (kind, threads)]
            if ratios:
                mean = timing.geometric(ratios)
                print(f"threads {threads}, {kind}s: geometric mean {mean:.2f} (target {TARGET})")
    if not options.only:
        write(RESULT, rows)
    print(describe())
    return 0


if __name__ == "__main__":
    sys.exit(main())
