"""One pass of a sparse linear map along one dimension.

    y[o, i, n] = (Σ_k w[i, k] * x[o, index[i, k], n]) / divisor,    k = 0, 1, ..., count[i] - 1

in this order, every product and every sum rounded on its own: the bits are those of
`samebits.ops.primitives.gather`.

Shapes: x (O, S, N) of any float type, y (O, R, N), index and w (R, K), count (R,); o < O, i < R, n < N.
Each program makes BLOCK consecutive elements of y.
"""

from __future__ import annotations

import torch
import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch

BLOCK = 1024
#: Elements up to which offsets fit into int32, whose divisions are several times faster than int64's.
NARROW = 2**31 - BLOCK


@triton.jit
def _gather(
    x,
    y,
    index,
    count,
    weight,
    divisor,
    size,
    source,
    rows,
    inner,
    WIDTH: tl.constexpr,
    WEIGHTED: tl.constexpr,
    DIVIDED: tl.constexpr,
    DOUBLE: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    work = tl.float64 if DOUBLE else tl.float32
    program = tl.program_id(0)
    if WIDE:
        program = program.to(tl.int64)
    at = program * BLOCK + tl.arange(0, BLOCK)
    there = at < size
    n = at % inner
    row = (at // inner) % rows
    start = (at // inner // rows) * source
    taps = tl.load(count + row, mask=there, other=0)
    total = tl.zeros([BLOCK], dtype=work)
    for k in range(WIDTH):
        used = there & (k < taps)
        element = tl.load(index + row * WIDTH + k, mask=used, other=0)
        value = tl.load(x + (start + element) * inner + n, mask=used, other=0.0).to(work)
        if WEIGHTED:
            value = value * tl.load(weight + row * WIDTH + k, mask=used, other=0.0)
        total = tl.where(used, tl.where(k == 0, value, total + value), total)
    if DIVIDED:
        whole = tl.zeros([BLOCK], dtype=work) + divisor
        total = total / whole if DOUBLE else tl.div_rn(total, whole)
    tl.store(y + at, total.to(y.dtype.element_ty), mask=there)


def gather(x: Tensor, y: Tensor, index: Tensor, count: Tensor, weight: Tensor | None, divisor: int) -> None:
    """Fill `y` (outer, rows, inner) from `x` (outer, source, inner), both contiguous.

    `index` (rows, K) and `count` (rows,) are int64; `weight` (rows, K) has the accumulation type, float64
    for float64 and float32 for all below, or is None where each is 1.
    """
    if y.dtype == torch.bfloat16 and not y.is_cuda:
        # Triton's interpreter cuts a bfloat16 off instead of rounding it.
        exact = torch.empty_like(y, dtype=torch.float32)
        gather(x, exact, index, count, weight, divisor)
        y.copy_(exact)
        return
    rows, width = index.shape
    launch(
        _gather,
        (triton.cdiv(y.numel(), BLOCK),),
        x,
        y,
        index,
        count,
        x if weight is None else weight,
        divisor,
        y.numel(),
        x.shape[1],
        rows,
        x.shape[2],
        WIDTH=width,
        WEIGHTED=weight is not None,
        DIVIDED=divisor != 1,
        DOUBLE=x.dtype == torch.float64,
        WIDE=max(x.numel(), y.numel()) >= NARROW,
        BLOCK=BLOCK,
    )
