"""Products in the order of the index on CUDA: one thread walks the factors of a place.

    y[l, i] = (..(y[l, i] * x[l, m1]) * x[l, m2]) ..      index[l, m1] = index[l, m2] = .. = i,  m1 < m2 < ..

The factors are sorted by place, and stay in order where they are alike; the thread of
the first of a place does them all.

Legend: l lane, m factor, i place; L lanes, M factors.  One index may serve all lanes.
"""

from __future__ import annotations

import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch
from samebits.ops.primitives._triton.exact import _four

#: Writers a program serves.
BLOCK = 256


@triton.jit
def _walk(
    y, x, places, order, M, L, count,
    y0, y1, y2, y3, x0, x1, x2, x3, p0, p1, p2, p3, n1, n2,
    BLOCK: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
    # Neighbours in memory are served by neighbouring threads: lanes of a row, or factors of a lane.
    if ROWS:
        lane, m = at % L, at // L
    else:
        lane, m = at // M, at % M
    first, second, third = lane // n2 // n1, lane // n2 % n1, lane % n2
    sorted_at = first * p0 + second * p1 + third * p2
    place = tl.load(places + sorted_at + m * p3, mask=inside, other=0)
    before = tl.load(places + sorted_at + (m - 1) * p3, mask=inside & (m > 0), other=-1)
    mine = inside & (before != place)
    own = y + first * y0 + second * y1 + third * y2 + place * y3
    from_here = x + first * x0 + second * x1 + third * x2
    product = tl.load(own, mask=mine, other=1)
    more = mine
    while tl.max(more.to(tl.int32), 0) > 0:
        writer = tl.load(order + sorted_at + m * p3, mask=more, other=0)
        factor = tl.load(from_here + writer * x3, mask=more, other=1).to(product.dtype)
        product = tl.where(more, product * factor, product)
        m += 1
        more = more & (m < M)
        more = more & (tl.load(places + sorted_at + m * p3, mask=more, other=-1) == place)
    tl.store(own, product, mask=mine)


def multiply(y: Tensor, index: Tensor, x: Tensor) -> None:
    """`y[l, index[l, m]] *= x[l, m]`, in the order of m.

    Args:
        y: (*lanes, B), at most three lanes; float32, float64 or integer.
        index: int64, (*lanes, M) or (M,), in [0, B).
        x: (*lanes, M), of y's dtype or a narrower one.
    """
    if y.dim() > 4:
        for part in zip(y, index if index.dim() == y.dim() else [index] * len(y), x, strict=True):
            multiply(*part)
        return
    places, order = index.sort(dim=-1, stable=True)
    # Sorting lays both out alike.
    places, order = (_four(each.contiguous().expand(x.shape)) for each in (places, order))
    y, x = _four(y), _four(x)
    launch(
        _walk, (triton.cdiv(x.numel(), BLOCK),),
        y, x, places, order, x.shape[-1], x.shape[:3].numel(), x.numel(),
        *y.stride(), *x.stride(), *places.stride(), y.shape[1], y.shape[2],
        BLOCK=BLOCK, ROWS=x.stride(3) > x.stride(2),
    )  # fmt: skip
