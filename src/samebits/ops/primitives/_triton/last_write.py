"""The last write to every place on CUDA, in two kernels.

    claim   latest[l, i] = max { m : index[l, m] = i }
    write   y[l, i]      = x[l, m]      where latest[l, i] = m,  i = index[l, m]

The maximum is an integer atomic, which has no order; of the writes to a place only
one is its latest, so no two threads write to the same address.

Legend: l lane, m write, i place; L lanes, M writes, B places.  One index may serve
all lanes (whole rows are written): then there is one row of claims.
"""

from __future__ import annotations

import math

import torch
import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch
from samebits.ops.primitives._triton.exact import _four

#: Writes a program makes.
BLOCK = 1024


@triton.jit
def _claim(latest, index, M, B, i0, i1, i2, i3, n1, n2, count, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
    lane, m = at // M, at % M
    start = (lane // n2 // n1) * i0 + (lane // n2 % n1) * i1 + (lane % n2) * i2
    place = tl.load(index + start + m * i3, mask=inside, other=0)
    tl.atomic_max(latest + lane * B + place, m, mask=inside, sem="relaxed")


@triton.jit
def _write(
    y, x, latest, index, M, B, L, count,
    y0, y1, y2, y3, x0, x1, x2, x3, i0, i1, i2, i3, n1, n2, claims,
    BLOCK: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
    # Neighbours in memory are served by neighbouring threads: lanes of a row, or writes of a lane.
    if ROWS:
        lane, m = at % L, at // L
    else:
        lane, m = at // M, at % M
    first, second, third = lane // n2 // n1, lane // n2 % n1, lane % n2
    place = tl.load(index + first * i0 + second * i1 + third * i2 + m * i3, mask=inside, other=0)
    mine = tl.load(latest + lane * claims + place, mask=inside, other=-1) == m
    value = tl.load(x + first * x0 + second * x1 + third * x2 + m * x3, mask=inside & mine, other=0)
    tl.store(y + first * y0 + second * y1 + third * y2 + place * y3, value, mask=inside & mine)


def write(y: Tensor, index: Tensor, x: Tensor) -> None:
    """`y[l, index[l, m]] = x[l, m]`, the last m where several meet.

    Args:
        y: (*lanes, B), at most three lanes; of any dtype.
        index: int64, (*lanes, M) or (M,), in [0, B).
        x: (*lanes, M), of y's dtype.
    """
    if y.dim() > 4:
        for part in zip(y, index if index.dim() == y.dim() else [index] * len(y), x, strict=True):
            write(*part)
        return
    size = y.element_size()
    if y.dtype == torch.bool or y.is_complex() or size == 16:
        # Triton loads no complex numbers; two halves of one are two lanes.
        if y.is_complex():
            whole = index if index.dim() == 1 else index.unsqueeze(0).expand(2, *index.shape)
            write(
                torch.view_as_real(y).movedim(-1, 0),
                whole,
                torch.view_as_real(x.resolve_conj()).movedim(-1, 0),
            )
            return
        y, x = y.view(torch.uint8), x.view(torch.uint8)
    bins, writes = y.shape[-1], x.shape[-1]
    latest = torch.full((*index.shape[:-1], bins), -1, dtype=torch.int64, device=y.device)
    claimed = _four(index)
    grid = (triton.cdiv(index.numel(), BLOCK),)
    launch(
        _claim, grid,
        latest, claimed, writes, bins, *claimed.stride(), claimed.shape[1], claimed.shape[2], index.numel(),
        BLOCK=BLOCK,
    )  # fmt: skip
    y, x, index = _four(y), _four(x), _four(index.expand(x.shape))
    lanes = math.prod(y.shape[:3])
    launch(
        _write, (triton.cdiv(x.numel(), BLOCK),),
        y, x, latest, index, writes, bins, lanes, x.numel(),
        *y.stride(), *x.stride(), *index.stride(), y.shape[1], y.shape[2],
        bins if latest.dim() > 1 or lanes == 1 else 0,
        BLOCK=BLOCK, ROWS=x.stride(3) > x.stride(2),
    )  # fmt: skip
