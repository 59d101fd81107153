"""Exact sums on CUDA: every term becomes an integer, and the integers meet in atomic additions.

    largest   bound[l]        = max_m |x[l, m]|                          over finite x
    add       total[l, i]    += rint(x[l, m] * near[l] * far[l])          i = index[l, m]
              remainder[l, i] += rint((s - rint(s)) * 2**bits)            float64; s: the scaled term
              raised[l, i]   |= 1, 2 or 3                                 x is inf, -inf or NaN
    value     y[l, i]         = total[l, i] * near[l] * far[l]

Integer addition, maximum and `or` commute, so the order of the atomics cannot be
seen in the result.  Non-negative floats are ordered as their bits are, which makes
the maximum of magnitudes one of integers.

Legend: l lane, m term, i bin; L lanes, M terms, B bins; a lane of sums has B + 1 places.
"""

from __future__ import annotations

from typing import Any

import torch
import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch

#: Terms a program adds.
BLOCK = 1024


@triton.jit
def rint(x):
    """`x` rounded to a whole number, halves to the even one; `x` of any size."""
    low = tl.floor(x)
    rest = x - low
    odd = low - 2.0 * tl.floor(low * 0.5)
    up = (rest > 0.5) | ((rest == 0.5) & (odd == 1.0))
    return tl.where(up, low + 1.0, low)


@triton.jit
def deposit(total, remainder, raised, place, scaled, power, mask, DOUBLE: tl.constexpr, RAISED: tl.constexpr):
    """Add terms, already in quanta, to the bins at the offsets `place`, where `mask`."""
    if RAISED:
        known = tl.abs(scaled) < float("inf")
        flags = tl.where(scaled == float("inf"), 1, tl.where(scaled == float("-inf"), 2, 3))
        tl.atomic_or(raised + place, flags, mask=mask & (known == 0), sem="relaxed")
        mask = mask & known
        scaled = tl.where(known, scaled, 0.0)
    rounded = rint(scaled)
    tl.atomic_add(total + place, rounded.to(tl.int64), mask=mask, sem="relaxed")
    if DOUBLE:
        rest = rint((scaled - rounded) * power)
        tl.atomic_add(remainder + place, rest.to(tl.int64), mask=mask, sem="relaxed")


@triton.jit
def _largest(x, bound, M, s0, s1, s2, s3, n1, n2, blocks, BLOCK: tl.constexpr, DOUBLE: tl.constexpr):
    program = tl.program_id(0).to(tl.int64)
    lane = program // blocks
    at = (program % blocks) * BLOCK + tl.arange(0, BLOCK)
    inside = at < M
    start = (lane // n2 // n1) * s0 + (lane // n2 % n1) * s1 + (lane % n2) * s2
    value = tl.load(x + start + at * s3, mask=inside, other=0.0)
    if DOUBLE:
        bits = value.to(tl.int64, bitcast=True) & 0x7FFFFFFFFFFFFFFF
        bits = tl.where(bits >= 0x7FF0000000000000, 0, bits)
    else:
        bits = value.to(tl.float32).to(tl.int32, bitcast=True) & 0x7FFFFFFF
        bits = tl.where(bits >= 0x7F800000, 0, bits)
    tl.atomic_max(bound + lane, tl.max(bits, 0), sem="relaxed")


@triton.jit
def _add(
    total, remainder, raised, index, x, near, far, power, M, B,
    i0, i1, i2, i3, s0, s1, s2, s3, n1, n2, blocks,
    BLOCK: tl.constexpr, DOUBLE: tl.constexpr, RAISED: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0).to(tl.int64)
    lane = program // blocks
    at = (program % blocks) * BLOCK + tl.arange(0, BLOCK)
    inside = at < M
    first, second, third = lane // n2 // n1, lane // n2 % n1, lane % n2
    goal = tl.load(index + first * i0 + second * i1 + third * i2 + at * i3, mask=inside, other=B)
    term = tl.load(x + first * s0 + second * s1 + third * s2 + at * s3, mask=inside & (goal < B), other=0.0)
    term = term.to(tl.float64) if DOUBLE else term.to(tl.float32)
    place = lane * (B + 1) + goal
    mask = inside & (goal < B)
    near = tl.load(near + lane)
    far = tl.load(far + lane)
    deposit(total, remainder, raised, place, term * near * far, power, mask, DOUBLE, RAISED)


@triton.jit
def _value(
    total, remainder, raised, out, near, far, power, count, B,
    BLOCK: tl.constexpr, DOUBLE: tl.constexpr, RAISED: tl.constexpr,
):  # fmt: skip
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
    lane = at // B
    place = at + lane
    whole = tl.load(total + place, mask=inside, other=0)
    near = tl.load(near + lane, mask=inside, other=1.0)
    far = tl.load(far + lane, mask=inside, other=1.0)
    if DOUBLE:
        result = whole.to(tl.float64)
        rest = (whole - result.to(tl.int64)).to(tl.float64)
        result += rest + tl.load(remainder + place, mask=inside, other=0).to(tl.float64) * power
    else:
        result = whole.to(tl.float32)
    result = result * near * far
    if RAISED:
        flags = tl.load(raised + place, mask=inside, other=0)
        result = tl.where(flags == 1, float("inf"), result)
        result = tl.where(flags == 2, float("-inf"), result)
        result = tl.where(flags == 3, float("nan"), result)
    tl.store(out + at, result, mask=inside)


def largest(x: Tensor, lanes: int) -> Tensor:
    """The largest finite magnitude in each lane.

    Args:
        x: floating point, not empty.
        lanes: how many leading dimensions are lanes.

    Returns:
        float32, or float64 for float64, of the lanes' shape and a last dimension of 1.
    """
    shape = x.shape[:lanes]
    rows = _four(x.reshape(*shape, -1))
    double = x.dtype == torch.float64
    bits = torch.zeros((*shape, 1), dtype=torch.int64 if double else torch.int32, device=x.device)
    blocks = triton.cdiv(rows.shape[3], BLOCK)
    grid = (bits.numel() * blocks,)
    launch(
        _largest, grid,
        rows, bits, rows.shape[3], *rows.stride(), rows.shape[1], rows.shape[2], blocks,
        BLOCK=BLOCK, DOUBLE=double,
    )  # fmt: skip
    return bits.view(torch.float64 if double else torch.float32)


def add(bins: Any, index: Tensor, terms: Tensor) -> None:
    """`Bins.add`, for an index and terms that were expanded to (*lanes, M)."""
    index, terms = _four(index), _four(terms)
    near, far = (factor.contiguous() for factor in bins.factors)
    blocks = triton.cdiv(terms.shape[3], BLOCK)
    launch(
        _add, (near.numel() * blocks,),
        bins.total, bins.remainder, bins.raised, index, terms, near, far, 2.0**bins.bits,
        terms.shape[3], bins.bins, *index.stride(), *terms.stride(), terms.shape[1], terms.shape[2], blocks,
        BLOCK=BLOCK, DOUBLE=bins.remainder is not None, RAISED=bins.raised is not None,
    )  # fmt: skip


def value(bins: Any, inverse: list[Tensor]) -> Tensor:
    """`Bins.value`, for bins of which there is at least one."""
    shape = (*bins.total.shape[:-1], bins.bins)
    # A float16 or bfloat16 is rounded to by torch: the interpreter's bfloat16 is cut off, not rounded.
    out = torch.empty(shape, dtype=inverse[0].dtype, device=bins.total.device)
    if out.numel() == 0:
        return out.to(bins.dtype)
    near, far = (factor.expand(*shape[:-1], 1).contiguous() for factor in inverse)
    launch(
        _value, (triton.cdiv(out.numel(), BLOCK),),
        bins.total, bins.remainder, bins.raised, out, near, far, 2.0**-bins.bits, out.numel(), bins.bins,
        BLOCK=BLOCK, DOUBLE=bins.remainder is not None, RAISED=bins.raised is not None,
    )  # fmt: skip
    return out.to(bins.dtype)


def _four(x: Tensor) -> Tensor:
    """`x` as (l0, l1, l2, M): more lanes than three are merged, which may copy, and missing ones are 1."""
    if x.dim() > 4:
        return x.reshape(x.shape[0], x.shape[1], -1, x.shape[-1])
    return x[(None,) * (4 - x.dim())]
