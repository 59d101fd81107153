"""S and D along any dimensions of a tensor: what reductions and normalizations are made of."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from samebits.arithmetic import core
from samebits.arithmetic.terms import Term

#: Dimensions as torch's operations take them: None and an empty list are all of them.
Dims = Sequence[int] | None


class SumPlan(NamedTuple):
    """How the dimensions of a tensor are reduced.

    Attributes:
        n: numbers in one sum.
        shape: of the result.
        kept: of the result with the reduced dimensions, of size 1.
        order: None, or the order of dimensions in which the tensor is to be copied.
        address: of `layout`.
        layout: `sb_layout` of native/sums.h.
    """

    n: int
    shape: tuple[int, ...]
    kept: tuple[int, ...]
    order: tuple[int, ...] | None
    address: int
    layout: Any


_Run = tuple[int, int]


@lru_cache(maxsize=4096)
def plan(shape: tuple[int, ...], strides: tuple[int, ...], dims: tuple[int, ...]) -> SumPlan | None:
    """The plan for such a tensor; None where the dimensions are wrong, or there is nothing to add."""
    rank = len(shape)
    if any(not -max(rank, 1) <= dim < max(rank, 1) for dim in dims) or 0 in shape:
        return None
    reduced = sorted({dim % rank for dim in dims} if dims and rank else range(rank))
    if dims and rank and len(reduced) != len(dims):
        return None
    others = [dim for dim in range(rank) if dim not in reduced]
    count = prod(shape[dim] for dim in reduced)
    layout = _layout(_runs(shape, strides, others), _runs(shape, strides, reduced))
    order = None
    if layout is None:
        order = (*others, *reduced)
        kept = prod(shape[dim] for dim in others)
        layout = (1, 1, 0, kept, count, 1, 0, count, 1)
    array = (ctypes.c_int64 * 9)(*layout)
    return SumPlan(
        count,
        tuple(shape[dim] for dim in others),
        tuple(1 if dim in reduced else size for dim, size in enumerate(shape)),
        order,
        ctypes.addressof(array),
        array,
    )


def _runs(shape: Sequence[int], strides: Sequence[int], dims: Sequence[int]) -> list[_Run]:
    """Sizes and strides of these dimensions, in order, joined where one goes on where the next ends."""
    runs: list[_Run] = []
    for dim in dims:
        size, stride = shape[dim], strides[dim]
        if size == 1:
            continue
        if runs and runs[-1][1] == size * stride:
            runs[-1] = (runs[-1][0] * size, stride)
        else:
            runs.append((size, stride))
    return runs


def _layout(kept: list[_Run], reduced: list[_Run]) -> tuple[int, ...] | None:
    """`sb_layout` for such dimensions; None: there is none."""
    if len(kept) > 2 or len(reduced) > 2:
        return None
    (o, so), (i, si) = [(1, 0)] * (2 - len(kept)) + kept
    (a, sa), (b, sb) = [(1, 0)] * (2 - len(reduced)) + reduced
    # Columns of less than a vector are worth it where they are all that there is between two rows.
    if kept and si == 1 and (i >= 16 or (a == 1 and sb in (0, i))):
        return 0, o, so, i, si, a, sa, b, sb
    if sb == 1 or not reduced:
        return 1, o, so, i, si, a, sa, b, 1
    return None


def total(
    term: Term,
    x: Tensor,
    how: SumPlan,
    *,
    keepdim: bool = False,
    y: Tensor | None = None,
    m: Tensor | None = None,
    divisor: float = 1.0,
    root: bool = False,
) -> Tensor:
    """The sums of a term.

    Args:
        term: what is added.
        x: float32 or float64.
        how: the plan for `x`.
        keepdim: whether the result has the reduced dimensions, of size 1.
        y: of the term; laid out as `x`.
        m: of the term, one for each result, contiguous.
        divisor: of the sums.
        root: whether the square root is taken then.

    Returns:
        In the type of `x`, contiguous.
    """
    if not x.is_cpu:
        from samebits.arithmetic._triton import sums as on_cuda

        return on_cuda.total(term, x, how, keepdim=keepdim, y=y, m=m, divisor=divisor, root=root)
    if how.order is not None:
        x = x.permute(how.order).contiguous()
        y = None if y is None else y.permute(how.order).contiguous()
    dtype = x.dtype
    out = x.new_empty(how.kept if keepdim else how.shape)
    at = x.data_ptr()
    core.check(
        core.bound("sb_reduce", "iipppppdii")(
            *(term, core.DTYPES[dtype], how.address, at, at if y is None else y.data_ptr()),
            *(None if m is None else m.data_ptr(), out.data_ptr(), divisor, root, core.threads()),
        )
    )
    return out


#: What numbers of a type are computed in.
COMPUTED: Final = {
    torch.float16: torch.float32,
    torch.bfloat16: torch.float32,
    torch.float32: torch.float32,
    torch.float64: torch.float64,
}
