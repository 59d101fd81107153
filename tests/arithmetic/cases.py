"""Operations x shapes x dtypes x layouts under `samebits.portable`: a hash of every result and gradient.

The operations are in the files `cases_*`.  Inputs are the same everywhere: numbers of
`samebits.random`.  A process records the hashes in its setting (ATEN_CPU_CAPABILITY, SAMEBITS_ARITHMETIC,
OMP_NUM_THREADS), and who compares those of two settings sees what is not portable:

    python -m tests.arithmetic.cases RESULT.json all|quick [samples]
"""

from __future__ import annotations

import functools
import json
import os
import sys
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from tests.arithmetic.dispatched_bits import DTYPES, digest
from torch import Tensor
from torch.utils._pytree import tree_leaves

import samebits
from samebits.arithmetic import mode, table

Shape = tuple[int, ...]
#: The dtypes that most operations are tried with.
ALL = DTYPES
FULL = (torch.float32, torch.float64)
LAYOUTS = ("contiguous", "transposed", "channels_last", "strided")

#: Give memory that nobody has written, or are written over afterwards.
_UNWRITTEN = ("empty", "new_empty", "resize")


def same(x: Tensor) -> Tensor:
    return x


def positive(x: Tensor) -> Tensor:
    return x.abs() + 0.125


def unit(x: Tensor) -> Tensor:
    """Between -1 and 1."""
    return x / (x.abs() + 1)


def share(x: Tensor) -> Tensor:
    """Between 0 and 1."""
    return x.abs() / (x.abs() + 1)


def wide(x: Tensor) -> Tensor:
    """With some large numbers."""
    return x * x * x


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of torch's public functions.

    Attributes:
        name: unique.
        call: of the inputs; returns tensors, in any nesting.
        shapes: for each way to call it the shapes of the inputs.
        domain: makes inputs of normal numbers.
        batched: the inputs whose first dimension is the batch, as it is of every result: a part of the
            batch has that part of the results.
    """

    name: str
    call: Callable[..., Any]
    shapes: tuple[tuple[Shape, ...], ...]
    domain: Callable[[Tensor], Tensor] = same
    dtypes: tuple[torch.dtype, ...] = ALL
    gradients: bool = True
    layouts: tuple[str, ...] = LAYOUTS
    batched: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    operation: Operation
    shapes: tuple[Shape, ...]
    dtype: torch.dtype
    layout: str

    @property
    def key(self) -> str:
        shapes = " ".join("x".join(map(str, shape)) or "()" for shape in self.shapes)
        return "|".join((self.operation.name, shapes, str(self.dtype).removeprefix("torch."), self.layout))

    def inputs(self) -> list[Tensor]:
        return [self._input(place, shape) for place, shape in enumerate(self.shapes)]

    def _input(self, place: int, shape: Shape) -> Tensor:
        numbers = self.operation.domain(drawn(shape, f"{self.operation.name} {place}"))
        return laid(numbers.to(self.dtype), self.layout)


def drawn(shape: Shape, name: str) -> Tensor:
    """Normal numbers in float64, the same everywhere, of a name."""
    key = samebits.random.fold_in(samebits.random.key(0), zlib.crc32(name.encode()))
    return samebits.random.normal(key, shape, dtype=torch.float64)


def laid(x: Tensor, layout: str) -> Tensor:
    """The same numbers, in memory in another order where the shape has such a one."""
    if layout == "transposed" and x.dim() >= 2:
        return x.mT.contiguous().mT
    if layout == "channels_last" and x.dim() in (4, 5):
        return x.contiguous(memory_format=torch.channels_last if x.dim() == 4 else torch.channels_last_3d)
    if layout == "strided" and x.dim():
        return torch.stack([x, x + 1], -1)[..., 0]
    return x.contiguous()


def _has(shapes: Sequence[Shape], layout: str) -> bool:
    least, most = {"contiguous": (0, 9), "transposed": (2, 9), "channels_last": (4, 5), "strided": (1, 9)}[
        layout
    ]
    return any(least <= len(shape) <= most for shape in shapes)


def operations() -> tuple[Operation, ...]:
    return tuple(
        operation
        for file in ("functions", "sums", "layers", "losses", "models")
        for operation in import_module(f"tests.arithmetic.cases_{file}").OPERATIONS
    )


def cases() -> Iterator[Case]:
    """Every shape in every dtype, and in float32 and bfloat16 in every layout."""
    for operation in operations():
        for dtype in operation.dtypes:
            for shapes in operation.shapes:
                for layout in (
                    operation.layouts if dtype in (torch.float32, torch.bfloat16) else operation.layouts[:1]
                ):
                    if _has(shapes, layout):
                        yield Case(operation, shapes, dtype, layout)


def quick(number: int = 60) -> list[Case]:
    """Some float32 cases of operations that are far from each other, and some of every other dtype."""
    single = [case for case in cases() if case.dtype is torch.float32]
    others = [case for case in cases() if case.dtype is not torch.float32]
    few = number // 4
    return [*_spread(single, number - few), *_spread(others, few)]


def _spread(many: list[Case], number: int) -> list[Case]:
    return [many[place * len(many) // number] for place in range(number)]


def results(operation: Operation, inputs: list[Tensor], cotangents: list[Tensor] | None = None) -> Results:
    """What the call gives, and the gradients of its inputs."""
    torch.manual_seed(0)
    gradients = operation.gradients
    leaves = [x.detach().requires_grad_(gradients) for x in inputs]
    found = [y for y in tree_leaves(operation.call(*leaves)) if isinstance(y, Tensor)]
    outputs = [y for y in found if y.requires_grad and gradients]
    if cotangents is None:
        cotangents = [drawn(tuple(y.shape), f"cotangent {n}").to(y.dtype) for n, y in enumerate(outputs)]
    to: list[Tensor | None] = []
    if outputs:
        to = list(torch.autograd.grad(outputs, leaves, cotangents, allow_unused=True))
    return Results([y.detach() for y in found], to, cotangents)


@dataclass(frozen=True, slots=True)
class Results:
    outputs: list[Tensor]
    gradients: list[Tensor | None]
    cotangents: list[Tensor]


def hashes(case: Case) -> dict[str, str]:
    """Of each result and gradient; nothing for a dtype that torch's operation has not."""
    try:
        found = results(case.operation, case.inputs())
    except Exception as error:
        if "not implemented for" in str(error):
            return {}
        return {"raises": f"{type(error).__name__}: {error}".splitlines()[0][:160]}
    hashed = {f"result {n}": digest([y]).hex() for n, y in enumerate(found.outputs)}
    gradients = {f"gradient {n}": x for n, x in enumerate(found.gradients) if x is not None}
    return hashed | {part: digest([x]).hex() for part, x in gradients.items()}


def alone(case: Case) -> dict[str, bool]:
    """Whether part of a batch has that part of the batch's results, bit by bit."""
    operation, inputs = case.operation, case.inputs()
    parted = [inputs[n] for n in operation.batched]
    if len({x.dim() for x in parted}) > 1 or len({x.shape[:1] for x in parted}) > 1 or not parted[0].dim():
        return {}
    size = parted[0].shape[0]
    try:
        whole = results(operation, inputs)
    except Exception:
        return {}
    said = {}
    for part in (slice(0, 1), slice(size // 2, size)):
        fewer = [x[part] if n in operation.batched else x for n, x in enumerate(inputs)]
        some = results(operation, fewer, [y[part] for y in whole.cotangents])
        pairs = {f"result {n}": pair for n, pair in enumerate(zip(whole.outputs, some.outputs, strict=True))}
        for n in operation.batched:
            if whole.gradients and (all_of_it := whole.gradients[n]) is not None:
                pairs[f"gradient {n}"] = (all_of_it, some.gradients[n])
        for name, (batch, single) in pairs.items():
            said[f"{name} of {part.start}:{part.stop}"] = digest([batch[part]]) == digest([single])
    return said


def samples(
    dtypes: Sequence[torch.dtype] = (torch.float32, torch.bfloat16), most: int = 8
) -> Iterator[Sample]:
    """torch's own samples of its operations: what the mode computes of them."""
    from torch.testing._internal.common_methods_invocations import op_db

    for info in op_db:
        if info.name.startswith(_UNWRITTEN) or "empty" in info.name:
            continue
        for dtype in dtypes:
            if dtype in info.dtypes:
                yield from _samples_of(info, dtype, most)


Sample = tuple[str, Callable[[], Any]]


def _samples_of(info: Any, dtype: torch.dtype, most: int) -> Iterator[Sample]:
    backward = dtype in info.backward_dtypes and info.supports_autograd
    torch.manual_seed(0)
    try:
        found = list(info.sample_inputs("cpu", dtype, requires_grad=backward))
    except Exception:  # is made by what is undefined
        return
    name = f"{info.name}.{info.variant_test_name}" if info.variant_test_name else info.name
    spread = found[:: -(-len(found) // most) or 1]
    for number, sample in enumerate(spread):
        shape = "x".join(map(str, sample.input.shape)) if isinstance(sample.input, Tensor) else "list"
        key = "|".join((f"sample {name}", f"{shape or '()'} {number}", str(dtype)[6:], "contiguous"))
        yield key, functools.partial(_run_sample, info, sample)


def _run_sample(info: Any, sample: Any) -> dict[str, str]:
    torch.manual_seed(0)
    try:
        leaves = [x for x in tree_leaves((sample.input, sample.args, sample.kwargs)) if _differentiable(x)]
        result = info.op(sample.input, *sample.args, **sample.kwargs)
        found = [y for y in tree_leaves(result) if isinstance(y, Tensor)]
        hashed = {f"result {n}": digest([y]).hex() for n, y in enumerate(found)}
        outputs = [y for y in found if _differentiable(y)]
        if leaves and outputs:
            cotangents = [drawn(tuple(y.shape), f"cotangent {n}").to(y.dtype) for n, y in enumerate(outputs)]
            to = torch.autograd.grad(outputs, leaves, cotangents, allow_unused=True)
            hashed |= {f"gradient {n}": digest([x]).hex() for n, x in enumerate(to) if x is not None}
    except Exception:  # of what is undefined, or torch's own refusal
        return {}
    return hashed


def _differentiable(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad and x.is_floating_point() and x.layout is torch.strided


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """How often each row of the table answers in modes that open here."""
    counts: Counter[str] = Counter()

    def counting(row: Any) -> Any:
        @functools.wraps(row.function)
        def function(*args: Any, **kwargs: Any) -> Any:
            result = row.function(*args, **kwargs)
            counts[row.schema] += result is not NotImplemented
            return result

        return replace(row, function=function)

    rows = tuple(counting(row) for row in table.rows())
    with mock.patch.object(table, "rows", return_value=rows):
        yield counts


def record(which: str, with_samples: bool = False) -> dict[str, Any]:
    """This process's: the hashes of each case; what was undefined in it; whether parts of batches are as the
    batch; and the rows of the table that no case reached."""
    warnings.filterwarnings("ignore")
    every = which == "all"
    found: dict[str, Any] = {"threads": torch.get_num_threads(), "cases": {}, "undefined": {}, "alone": {}}
    with counted() as counts, samebits.portable(0, undefined="warn"):
        before = mode.counts()
        for case in cases() if every else quick():
            hashed = hashes(case)
            if (now := mode.counts()) != before:
                found["undefined"][case.key] = sorted(now - before)
                before = now
                continue
            found["cases"][case.key] = hashed
            if every and case.operation.batched and case.layout == "contiguous":
                found["alone"][case.key] = alone(case)
        found["unreached"] = [row.schema for row in table.rows() if not counts[row.schema]]
    if with_samples:
        with samebits.portable(0):
            for key, run in samples():
                if hashed := run():
                    found["cases"][key] = hashed
    return found


def main(arguments: list[str]) -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    path, which, *more = arguments
    Path(path).write_text(json.dumps(record(which, "samples" in more)))


if __name__ == "__main__":
    main(sys.argv[1:])
