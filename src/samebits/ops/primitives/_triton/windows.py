"""The backward of pooling, from the inputs' side.

    max:      out[n, i, c] = ((0 + grad[n, o1, c]) + grad[n, o2, c]) + ...
    average:  out[n, i, c] = Σ_t (Σ_h (Σ_w grad[n, (t, h, w), c]))

over the outputs o1 < o2 < ... with index[n, o, c] == i, and over the outputs o = (t, h, w), whose window
may reach i: in each dimension those from (factor * i + low) // divisor to (factor * i + high) // divisor,
in ascending order.  Every sum is rounded on its own, in float32 or float64: the bits are those of
`samebits.ops.primitives.windows`.

Shapes: grad and index (N, T', H', W', C), out (N, T, H, W, C), in memory order; contiguous
tensors have C = 1 and their channels in N, those in two dimensions T = T' = 1.  i and
o count through the last three dimensions before C.  Each program makes BLOCK
consecutive elements of out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch

BLOCK = 256
#: Below this, offsets and the products in `_from` fit into 32 bits.
NARROW = 2**31

#: inputs, outputs, factor, low, high, divisor.
Dimension = tuple[int, int, int, int, int, int]


@triton.jit
def _from(i, factor, low, divisor):
    return tl.maximum(i * factor + low, 0) // divisor


@triton.jit
def _chosen(
    grad,
    index,
    out,
    size,
    inner,
    t_in,
    t_out,
    t_factor,
    t_low,
    t_high,
    t_divisor,
    h_in,
    h_out,
    h_factor,
    h_low,
    h_high,
    h_divisor,
    w_in,
    w_out,
    w_factor,
    w_low,
    w_high,
    w_divisor,
    T_MOST: tl.constexpr,
    H_MOST: tl.constexpr,
    W_MOST: tl.constexpr,
    WIDE: tl.constexpr,
    DOUBLE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    work = tl.float64 if DOUBLE else tl.float32
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = at < size
    # Where they suffice, 32 bits: a division of 64-bit numbers is a subroutine.
    rest = at if WIDE else at.to(tl.int32)
    c = rest % inner
    rest = rest // inner
    w = rest % w_in
    rest = rest // w_in
    h = rest % h_in
    rest = rest // h_in
    t = rest % t_in
    n = (rest // t_in).to(tl.int64)
    place = (t.to(tl.int64) * h_in + h) * w_in + w
    t_first = _from(t, t_factor, t_low, t_divisor)
    h_first = _from(h, h_factor, h_low, h_divisor)
    w_first = _from(w, w_factor, w_low, w_divisor)
    t_last = tl.minimum((t * t_factor + t_high) // t_divisor, t_out - 1)
    h_last = tl.minimum((h * h_factor + h_high) // h_divisor, h_out - 1)
    w_last = tl.minimum((w * w_factor + w_high) // w_divisor, w_out - 1)
    total = tl.zeros([BLOCK], dtype=work)
    for a in range(T_MOST):
        for b in range(H_MOST):
            rows = (n * t_out + (t_first + a)) * h_out + (h_first + b)
            near = there & (t_first + a <= t_last) & (h_first + b <= h_last)
            for d in range(W_MOST):
                reads = near & (w_first + d <= w_last)
                source = (rows * w_out + (w_first + d)) * inner + c
                hit = reads & (tl.load(index + source, mask=reads, other=-1) == place)
                value = tl.load(grad + source, mask=hit, other=0.0).to(work)
                total = tl.where(hit, total + value, total)
    tl.store(out + at, total.to(out.dtype.element_ty), mask=there)


@triton.jit
def _averaged(
    grad,
    out,
    size,
    inner,
    t_in,
    t_out,
    t_factor,
    t_low,
    t_high,
    t_divisor,
    h_in,
    h_out,
    h_factor,
    h_low,
    h_high,
    h_divisor,
    w_in,
    w_out,
    w_factor,
    w_low,
    w_high,
    w_divisor,
    T_MOST: tl.constexpr,
    H_MOST: tl.constexpr,
    W_MOST: tl.constexpr,
    WIDE: tl.constexpr,
    DOUBLE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    work = tl.float64 if DOUBLE else tl.float32
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = at < size
    # Where they suffice, 32 bits: a division of 64-bit numbers is a subroutine.
    rest = at if WIDE else at.to(tl.int32)
    c = rest % inner
    rest = rest // inner
    w = rest % w_in
    rest = rest // w_in
    h = rest % h_in
    rest = rest // h_in
    t = rest % t_in
    n = (rest // t_in).to(tl.int64)
    t_first = _from(t, t_factor, t_low, t_divisor)
    h_first = _from(h, h_factor, h_low, h_divisor)
    w_first = _from(w, w_factor, w_low, w_divisor)
    t_last = tl.minimum((t * t_factor + t_high) // t_divisor, t_out - 1)
    h_last = tl.minimum((h * h_factor + h_high) // h_divisor, h_out - 1)
    w_last = tl.minimum((w * w_factor + w_high) // w_divisor, w_out - 1)
    volume = tl.zeros([BLOCK], dtype=work)
    for a in range(T_MOST):
        t_near = there & (t_first + a <= t_last)
        plane = tl.zeros([BLOCK], dtype=work)
        for b in range(H_MOST):
            h_near = t_near & (h_first + b <= h_last)
            rows = (n * t_out + (t_first + a)) * h_out + (h_first + b)
            line = tl.zeros([BLOCK], dtype=work)
            for d in range(W_MOST):
                near = h_near & (w_first + d <= w_last)
                value = tl.load(grad + (rows * w_out + (w_first + d)) * inner + c, mask=near, other=0.0)
                line = tl.where(near, tl.where(d == 0, value, line + value), line)
            # The first is taken as it is, for 0 + -0.0 is not -0.0.
            plane = tl.where(h_near, tl.where(b == 0, line, plane + line), plane)
        volume = tl.where(t_near, tl.where(a == 0, plane, volume + plane), volume)
    tl.store(out + at, volume.to(out.dtype.element_ty), mask=there)


def chosen(
    grad: Tensor, index: Tensor, out: Tensor, dimensions: Sequence[Dimension], most: Sequence[int], inner: int
) -> None:
    """Fill `out`; all three are dense, in one memory format.

    Args:
        grad, out: of one float type.
        index: int64, of grad's shape.
        dimensions: the two or three that are pooled.
        most: in each how many outputs may reach one input.
        inner: C, 1 if contiguous.
    """
    _launch(_chosen, (grad, index), out, dimensions, most, inner)


def averaged(
    grad: Tensor, out: Tensor, dimensions: Sequence[Dimension], most: Sequence[int], inner: int
) -> None:
    """As `chosen`; `grad` is float64 or float32, and already divided."""
    _launch(_averaged, (grad,), out, dimensions, most, inner)


def _launch(
    kernel: Any,
    inputs: tuple[Tensor, ...],
    out: Tensor,
    dimensions: Sequence[Dimension],
    most: Sequence[int],
    inner: int,
) -> None:
    absent = 3 - len(dimensions)
    dimensions, most = [(1, 1, 0, 0, 0, 1)] * absent + [*dimensions], [1] * absent + [*most]
    furthest = max(max(factor * i + max(high, 0), factor) for i, _, factor, _, high, _ in dimensions)
    # The interpreter cuts a bfloat16 off where hardware rounds it; there torch rounds.
    made = out if out.is_cuda or out.dtype != torch.bfloat16 else torch.empty_like(out, dtype=torch.float32)
    launch(
        kernel,
        (triton.cdiv(out.numel(), BLOCK),),
        *inputs,
        made,
        out.numel(),
        inner,
        *(number for dimension in dimensions for number in dimension),
        T_MOST=most[0],
        H_MOST=most[1],
        W_MOST=most[2],
        WIDE=max(out.numel() + BLOCK, furthest) >= NARROW,
        DOUBLE=out.dtype == torch.float64,
        BLOCK=BLOCK,
    )
    if made is not out:
        out.copy_(made)
