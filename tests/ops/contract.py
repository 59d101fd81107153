"""What every operation is held to, on any device: shared by the tests here and those of tests/gpu."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from samebits._runtime.kernels import has_kernel
from samebits.determinism.overrides import InstalledOverrides
from samebits.ops import OPERATIONS, Operation
from samebits.ops.case import Case, Maker, Size, Task
from samebits.ops.cases import CASES

if find_spec("torchvision") is not None:
    import torchvision  # noqa: F401  # its operations are in the dispatcher once it is imported


def rows(device: str, names: Sequence[str] | None = None) -> list[Operation]:
    """The table's rows that this torch has a kernel for, of all its names or of some."""
    return [
        row for row in OPERATIONS if (names is None or row.name in names) and has_kernel(row.schema, device)
    ]


def cases(device: str) -> list[Case]:
    """The cases whose operations this torch has a kernel for."""
    return [case for case in CASES if all(has_kernel(schema, device) for schema in case.schemas)]


class Counted:
    """The route of these tests: counts how often ours answered, by the row's schema."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()

    def __call__(
        self, row: Operation, function: Callable[..., Any], native: Callable[..., Any]
    ) -> Callable[..., Any]:
        def call(keys: Any, *args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            if result is NotImplemented:
                return native(keys, *args, **kwargs)
            self.answers[row.schema] += 1
            return result

        return call


@contextmanager
def installed(schemas: Sequence[str], device: str) -> Iterator[Counted]:
    """Ours in the place of these operations."""
    counted = Counted()
    with InstalledOverrides([row for row in OPERATIONS if row.schema in schemas], device, counted):
        yield counted


@contextmanager
def threads(count: int) -> Iterator[None]:
    """As many threads for torch's CPU kernels."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def expected(case: Case) -> Iterator[None]:
    """The case's own warning is no error."""
    with warnings.catch_warnings():
        if case.warns:
            warnings.filterwarnings("ignore", message=case.warns)
        yield


def parted(case: Case, dtype: torch.dtype, device: str, rounded: torch.dtype | None = None) -> Task:
    return case.task(Size.PARTED, Maker(dtype, device, rounded=rounded))


Change = Callable[[Tensor], Tensor]


def results(case: Case, task: Task, change: Change = lambda x: x) -> list[Tensor]:
    """What the operations made: the gradients, if they are a backward; else the call's result, and gradients.

    Args:
        case: whose task it is.
        task: the call and its inputs.
        change: of the inputs and of the result's gradient: another memory layout.
    """
    inputs = [change(x).detach().requires_grad_(case.differentiable) for x in task.inputs]
    with expected(case):
        result = task.call(*inputs)
        if not case.differentiable:
            return [result]
        gradient = Maker(result.dtype, str(result.device), seed=7).normal(*result.shape)
        made = [] if case.backward else [result.detach()]
        return [*made, *torch.autograd.grad(result, inputs, change(gradient))]


def same_bits(first: Sequence[Tensor], second: Sequence[Tensor]) -> bool:
    return len(first) == len(second) and all(map(_same_bits, first, second))


def _same_bits(first: Tensor, second: Tensor) -> bool:
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    return torch.equal(*(x.contiguous().reshape(-1).view(torch.uint8) for x in (first, second)))


def supported(case: Case, task: Task, change: Change = lambda x: x) -> list[Tensor] | None:
    """The same; None where the kernel takes no such dtype or layout."""
    try:
        return results(case, task, change)
    except RuntimeError as error:
        if (
            re.search("not implemented for|does not support|not supported|must be contiguous", str(error))
            is None
        ):
            raise
        return None


def settled(case: Case, dtype: torch.dtype, values: list[Tensor]) -> list[Tensor]:
    """The results that torch settles: narrow data have equal values, and whose index wins is left open."""
    tied = dtype.itemsize < 4 and any("median" in schema for schema in case.schemas)
    return values[:1] if tied else values


def worst(values: Tensor, reference: Tensor) -> float:
    """The largest distance from a float64 reference."""
    difference = (values.double() - reference).abs()
    return float(difference.max()) if difference.numel() else 0.0


def channels_last(x: Tensor) -> Tensor:
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    return x.contiguous(memory_format=formats[x.ndim]) if x.ndim in formats else x


def transposed(x: Tensor) -> Tensor:
    """The same values with the dimensions in memory the other way round."""
    turned = tuple(reversed(range(x.ndim)))
    return x.permute(turned).contiguous().permute(turned)


def strided(x: Tensor) -> Tensor:
    """The same values in every other place of a larger tensor."""
    if x.ndim == 0:
        return x
    return torch.stack([x, x.neg()], dim=-1)[..., 0]
