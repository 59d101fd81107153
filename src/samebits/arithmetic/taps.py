"""Maps along dimensions: an output is a sum of a few inputs, each times its weight.

    y[i] = ((w[i, 0] * x[index[i, 0]]) + w[i, 1] * x[index[i, 1]]) + ...

Every product and every sum is rounded; below float32 all is computed in float32, and rounded once at the end.
`samebits.ops.primitives.gather` has the same definition, in torch's operations and for CUDA.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from samebits.arithmetic import core
from samebits.arithmetic.sums import COMPUTED
from samebits.ops.primitives import gather
from samebits.ops.primitives.taps import Taps

#: A dimension, and its map.
Pass = tuple[int, Taps]

_NUMBERS: Final = "ippnnnnnpppii"


class _Placed(NamedTuple):
    """A map as the kernel takes it: elements and weights (taps, rows), their numbers (rows,)."""

    element: Tensor
    number: Tensor
    weight: Tensor | None
    complete: bool


@lru_cache(maxsize=1024)
def _placed(taps: Taps, dtype: torch.dtype) -> _Placed:
    index = torch.from_numpy(np.ascontiguousarray(taps.index.T.astype(np.int32)))
    weight = None if taps.weight is None else torch.from_numpy(taps.weight).to(dtype).t().contiguous()
    count = torch.from_numpy(taps.count.astype(np.int32))
    return _Placed(index, count, weight, bool((taps.count == taps.index.shape[1]).all()))


def chain(x: Tensor, passes: list[Pass]) -> Tensor:
    """`x` with several dimensions mapped, one after the other.

    The dimension that shrinks most goes first; of those alike the first that shrinks, the last that grows.

    Args:
        x: (N, C, ...), of a floating type.
        passes: maps without a divisor, each dimension at most once.

    Returns:
        In the dtype and the memory format of `x`.
    """
    return in_turn(x, sorted(passes, key=_turn))


def in_turn(
    x: Tensor, passes: list[Pass], *, before: Tensor | float = 1.0, after: Tensor | float = 1.0
) -> Tensor:
    """`x` divided by `before`, with several dimensions mapped in this order, divided by `after`.

    Args:
        x: as of `chain`, or without N.
        passes: as of `chain`.
        before: a number, or of the shape of the last dimensions of `x`; so `after`, of the result.
    """
    last = _channels_last(x)
    made = x.movedim(1, -1) if last else x
    dtype = COMPUTED[x.dtype]
    made = _divided(made.to(dtype).contiguous(), before, last)
    for dim, taps in passes:
        if taps.identity:
            continue
        if made.is_cpu:
            made = _mapped(made, dim - last, taps, dtype)
        else:
            made = gather.gather(made, dim - last, taps)
    made = _divided(made, after, last).to(x.dtype)
    if last:
        made = made.movedim(-1, 1)
    return made.clone() if made.data_ptr() == x.data_ptr() else made


def _divided(x: Tensor, by: Tensor | float, last: bool) -> Tensor:
    if isinstance(by, Tensor):
        return x / (by.unsqueeze(-1) if last else by)
    return x if by == 1 else x / by


def _turn(one: Pass) -> tuple[float, int]:
    dim, taps = one
    ratio = taps.rows / max(taps.source, 1)
    return ratio, dim if ratio <= 1 else -dim


def _channels_last(x: Tensor) -> bool:
    if x.dim() not in (4, 5) or x.is_contiguous():
        return False
    return x.is_contiguous(memory_format=torch.channels_last if x.dim() == 4 else torch.channels_last_3d)


def _mapped(x: Tensor, dim: int, taps: Taps, dtype: torch.dtype) -> Tensor:
    """Of a contiguous tensor in the type that is computed in."""
    shape = x.shape
    out = x.new_empty((*shape[:dim], taps.rows, *shape[dim + 1 :]))
    placed = _placed(taps, dtype)
    core.bound("sb_map_taps", _NUMBERS)(
        core.DTYPES[dtype],
        x.data_ptr(),
        out.data_ptr(),
        prod(shape[:dim]),
        taps.source,
        taps.rows,
        prod(shape[dim + 1 :]),
        taps.index.shape[1],
        placed.element.data_ptr(),
        placed.number.data_ptr(),
        None if placed.weight is None else placed.weight.data_ptr(),
        placed.complete,
        core.threads(),
    )
    return out
