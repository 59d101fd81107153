"""What the fixed order of products costs: matrix products and convolutions beside MKL's and oneDNN's.

Each shape occurs in common models.  Both go through the dispatcher, in turn, in one process for each
number of threads.  With `--repdl`, the CPU loops of microsoft/RepDL run once beside them (README.md says
how to build them).

Writes benchmarks/results/portable-products.csv if nothing is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import describe, write
from benchmarks.portable import timing

RESULT = Path(__file__).parents[1] / "results" / "portable-products.csv"
#: The geometric mean over native, at most; and RepDL's time over ours, at least.
TARGET, TARGET_REPDL = 1.35, 20.0

#: Rows, inner dimension, columns.
MM = (
    (128, 128, 128), (512, 512, 512), (1024, 1024, 1024), (2048, 64, 64), (64, 2048, 64),
    (8, 1024, 1024), (1, 768, 768), (1024, 256, 4000),
)  # fmt: skip
#: Rows, features in, features out.
LINEAR = (
    (64, 784, 512), (32, 512, 1000), (32, 256, 1024), (1024, 256, 256), (1024, 256, 1024), (1024, 1024, 256),
    (512, 768, 768), (512, 768, 3072),
)  # fmt: skip
#: Batch, rows, inner dimension, columns.
BMM = ((32, 128, 64, 128), (32, 128, 128, 64), (12, 197, 64, 197), (64, 49, 32, 49), (8, 512, 64, 512))


@dataclass(frozen=True)
class Conv:
    """One convolution: the input's shape, channels out, the kernel's size, and what is not usual."""

    x: tuple[int, ...]
    out: int
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    transposed: bool = False

    def __str__(self) -> str:
        usual = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "transposed": False}
        more = [f"{k} {getattr(self, k)}" for k, v in usual.items() if getattr(self, k) != v]
        return " ".join(["x".join(map(str, self.x)), f"to {self.out}", f"kernel {self.kernel}", *more])


CONV = (
    Conv((32, 3, 32, 32), 64, 3, padding=1),
    Conv((32, 64, 32, 32), 64, 3, padding=1),
    Conv((32, 128, 16, 16), 128, 3, padding=1),
    Conv((32, 256, 8, 8), 256, 3, padding=1),
    Conv((32, 512, 4, 4), 512, 3, padding=1),
    Conv((32, 64, 32, 32), 128, 3, stride=2, padding=1),
    Conv((8, 3, 112, 112), 64, 7, stride=2, padding=3),
    Conv((16, 64, 28, 28), 256, 1),
    Conv((16, 256, 14, 14), 64, 1),
    Conv((16, 96, 28, 28), 96, 3, padding=1, groups=96),
    Conv((8, 96, 28, 28), 96, 7, padding=3, groups=96),
    Conv((16, 64, 28, 28), 64, 3, padding=1, groups=8),
    Conv((4, 128, 24, 24), 128, 3, padding=2, dilation=2),
    Conv((8, 3, 112, 112), 192, 16, stride=16),
    Conv((64, 24, 12, 12), 48, 3, stride=2, padding=1),
    Conv((8, 64, 16, 16), 32, 2, stride=2, transposed=True),
    Conv((8, 64, 16, 16), 64, 4, stride=2, padding=1, transposed=True),
    Conv((4, 80, 400), 128, 3, padding=1),
    Conv((2, 16, 8, 16, 16), 32, 3, padding=1),
)


@dataclass(frozen=True)
class Case:
    """One operation on one shape; RepDL's function for the same, and its arguments, if it has one."""

    kind: str
    shape: str
    schema: str
    args: tuple[Any, ...]
    repdl: tuple[Any, ...] | None = None


def cases() -> Iterator[Case]:
    random = torch.randn
    for m, k, n in MM:
        a, b = random(m, k), random(k, n)
        yield Case("mm", f"{m}x{k}x{n}", "aten::mm", (a, b), ("mm", a, b, False, False))
    for m, k, n in LINEAR:
        x, w, bias, y, shape = random(m, k), random(n, k), random(n), random(m, n), f"{m}x{k}x{n}"
        yield Case("linear", shape, "aten::addmm", (bias, x, w.t()), ("mm", x, w, False, True))
        yield Case("linear input", shape, "aten::mm", (y, w), ("mm", y, w, False, False))
        yield Case("linear weight", shape, "aten::mm", (y.t(), x), ("mm", y, x, True, False))
    for batch, m, k, n in BMM:
        yield Case("bmm", f"{batch}x{m}x{k}x{n}", "aten::bmm", (random(batch, m, k), random(batch, k, n)))
    for conv in CONV:
        yield from convolutions(conv)


def convolutions(conv: Conv) -> Iterator[Case]:
    """Forward, and the backwards to the input and to the weight."""
    spatial = len(conv.x) - 2
    each: list[Any] = [[value] * spatial for value in (conv.stride, conv.padding, conv.dilation, 0)]
    first, second = (conv.x[1], conv.out) if conv.transposed else (conv.out, conv.x[1])
    x, w = torch.randn(conv.x), torch.randn(first, second // conv.groups, *[conv.kernel] * spatial)
    rest: tuple[Any, ...] = (*each[:3], conv.transposed, each[3], conv.groups)
    y = torch.randn_like(torch.convolution(x, w, None, *rest))
    forward = to_input = to_weight = None
    if spatial == 2 and conv.dilation == 1 and not conv.transposed:
        sizes = (conv.stride, conv.stride, conv.padding, conv.padding)
        forward = ("conv2d", x, w, *sizes, conv.groups)
        if conv.groups == 1:
            to_input = ("conv2d_grad_input", y, w, *x.shape[2:], *sizes)
            to_weight = ("conv2d_grad_kernel", y, x, *w.shape[2:], *sizes)
    backward, shape = "aten::convolution_backward", str(conv)
    yield Case("conv", shape, "aten::convolution", (x, w, None, *rest), forward)
    yield Case("conv input", shape, backward, (y, x, w, None, *rest, [True, False, False]), to_input)
    yield Case("conv weight", shape, backward, (y, x, w, None, *rest, [False, True, False]), to_weight)


def loaded(path: Path) -> Any:
    """RepDL's extension module, by its file."""
    name = path.name.partition(".")[0]
    spec = spec_from_file_location(name, path, loader=ExtensionFileLoader(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The rows of one number of threads, in this process."""
    functions = timing.defined()
    repdl = loaded(options.repdl) if options.repdl else None
    torch.manual_seed(0)
    for case in cases():
        if case.kind not in options.kinds or case.schema not in functions:
            continue
        row: dict[str, Any] = {"kind": case.kind, "shape": case.shape, "threads": torch.get_num_threads()}
        # MKL has no AVX-512 on AMD's processors; OpenBLAS, which numpy brings, has.
        blas = (
            [timing.Way("openblas", partial(np.matmul, *(x.numpy() for x in case.args)))]
            if case.schema == "aten::mm"
            else []
        )
        function = functions[case.schema]
        row |= timing.measured(case.schema, case.args, function, options.rounds, options.block, *blas)
        if repdl is not None and case.repdl is not None:
            name, *args = case.repdl
            row["repdl us"] = timing.seconds(partial(getattr(repdl, name), *args), 1) * 1e6
            row["repdl ratio"] = row["repdl us"] / row["ours us"]
        yield row


def summary(rows: list[dict[str, Any]]) -> None:
    for threads in sorted({row["threads"] for row in rows}):
        chosen = [row for row in rows if row["threads"] == threads]
        print(f"threads {threads}, geometric means:")
        for kind in dict.fromkeys(row["kind"] for row in chosen):
            print(f"  {kind}: {timing.geometric(r['ratio'] for r in chosen if r['kind'] == kind):.2f}")
        print(f"  all: {timing.geometric(row['ratio'] for row in chosen):.2f} (target {TARGET})")
        blas = [row["ours us"] / row["openblas us"] for row in chosen if "openblas us" in row]
        if blas:
            print(f"  of OpenBLAS: {timing.geometric(blas):.2f}")
        beside = [row["repdl ratio"] for row in chosen if "repdl ratio" in row]
        if beside:
            print(f"  RepDL over ours: {timing.geometric(beside):.1f} (target {TARGET_REPDL:g})")


KINDS = ("mm", "linear", "linear input", "linear weight", "bmm", "conv", "conv input", "conv weight")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="the results are not kept")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--block", type=float, default=0.02, help="seconds that one way runs at a time")
    parser.add_argument("--repdl", type=Path, help="the extension module of RepDL's CPU backend")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        for row in measure(options):
            print(json.dumps(row), flush=True)
        return 0
    rows = []
    for threads in options.threads:
        # RepDL's OpenMP is not torch's: like OpenBLAS it learns of the number by the environment.
        environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
        words = [sys.executable, "-m", "benchmarks.portable.products", "--one", *sys.argv[1:]]
        with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                row = json.loads(line)
                rows.append(row)
                beside = f"  RepDL {row['repdl ratio']:.1f}" if "repdl ratio" in row else ""
                print(
                    f"{row['threads']} {row['kind']:14} {row['shape']:62} {row['native us']:9.1f} "
                    f"{row['ours us']:9.1f} {row['ratio']:6.2f} {row['low']:6.2f}-{row['high']:.2f}{beside}",
                    flush=True,
                )
        if process.returncode:
            return process.returncode
    if rows:
        summary(rows)
    if options.kinds == KINDS:
        write(RESULT, rows)
    print(describe())
    return 0


if __name__ == "__main__":
    sys.exit(main())
