"""Backward of `grid_sample` on CUDA in one kernel: places, taps, exact sums and the grid's gradient.

    total[n, c, i[k, p]] += rint(w[k, p] * (g[n, c, p] * scale[n, c]))             an integer, atomically
    grad_grid[n, p, a]    = slope[a, p] * Σ_m q[m, p] * Σ_c v[m, c, p] * g[n, c, p]

v are the differences of neighbouring taps (bilinear) or the taps (bicubic), q their
weights.  Every step is that of `samebits.ops.grid_sample`, with the same rounding:
trees of 8 channels, one tree after another.  Two dimensions are three of which
the first has the size 1 and is not sampled.

Legend: n image, c channel, p point, k tap, a dimension, m a sum over the channels.
Shapes: grad_output (N, C, P), input (N, C, D * H * W), grid (N, P, DIMS), of any strides;
total, remainder and raised (N, C, D * H * W + 1); near and far (N, C); grad_grid (N, P, DIMS).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch
from samebits.ops.primitives._triton.exact import deposit, rint
from samebits.ops.primitives.exact import Bins, accumulated, magnitude

#: Points of a program; with 8 channels at a time 512 numbers a step.
BLOCK = 64

#: Bins at a time, of whole images: 12 bytes each beside the result's.
CELLS = 1 << 25


@triton.jit
def _reflect(place, SIZE, ALIGN: tl.constexpr):
    """Places reflected at the edges, and the sign of the derivative."""
    low = 0.0 if ALIGN else -0.5
    span = SIZE - 1 if ALIGN else SIZE
    empty = span == 0
    twice = tl.zeros_like(place) + 2.0 * tl.where(empty, 1, span).to(place.dtype)
    moved = place - low
    turned = moved < 0
    moved = tl.abs(moved)
    if place.dtype == tl.float32:
        turns = tl.div_rn(moved, twice)
    else:
        turns = moved / twice
    moved = moved - tl.floor(turns) * twice
    back = twice - moved
    turned = turned ^ (moved > back)
    moved = tl.where(moved > back, back, moved) + low
    sign = tl.where(turned, -1.0, 1.0).to(place.dtype)
    # In a span of nothing everything lies at its only place, but for what is no number.
    lost = (tl.abs(place) < float("inf")) == 0
    moved = tl.where(empty, tl.where(lost, float("nan"), 0.0), moved)
    return tl.where(lost, float("nan"), moved), tl.where(empty, 0.0, sign)


@triton.jit
def _clamp(x, low, high):
    """NaN stays NaN."""
    x = tl.where(x < low, low, x)
    return tl.where(x > high, high, x)


@triton.jit
def _locate(coordinate, SIZE, MODE: tl.constexpr, PADDING: tl.constexpr, ALIGN: tl.constexpr):
    """Where a coordinate lies, in pixels, and the derivative of that."""
    top = (SIZE - 1).to(coordinate.dtype)
    if ALIGN:
        factor = top * 0.5
        place = (coordinate + 1.0) * factor
    else:
        factor = SIZE.to(coordinate.dtype) * 0.5
        place = (coordinate + 1.0) * factor - 0.5
    slope = tl.zeros_like(coordinate) + factor
    if (MODE != 2) and (PADDING != 0):
        if PADDING == 2:
            place, sign = _reflect(place, SIZE, ALIGN)
            slope = sign * slope
        inside = (place > 0) & (place < top)
        slope = tl.where(inside, slope, 0.0)
        place = _clamp(place, 0.0, top)
    return place, slope


@triton.jit
def _first(place, SIZE, MODE: tl.constexpr):
    """The pixel at or before a place, whether a tap is in the input, and how far beyond the place is."""
    if MODE == 1:
        low = rint(place)
        known = (low >= 0) & (low <= (SIZE - 1).to(place.dtype))
    else:
        low = tl.floor(place)
        known = (low >= -1) & (low <= (SIZE - 1).to(place.dtype))
    return tl.where(known, low, 0.0).to(tl.int64), known, place - low


@triton.jit
def _weight(high, BIT: tl.constexpr):
    if BIT:
        return high
    return 1.0 - high


@triton.jit
def _there(cell, known, SIZE, BIT: tl.constexpr):
    return known & (cell + BIT >= 0) & (cell + BIT < SIZE)


@triton.jit
def _difference(
    pixels, step, exists, cell0, cell1, cell2, known, D, H, W,
    AXIS: tl.constexpr, M: tl.constexpr, work: tl.constexpr,
):  # fmt: skip
    """The M-th pair of taps that differ in AXIS, the second less the first; M is the others' bits."""
    B0: tl.constexpr = M // 2 if AXIS > 0 else 0
    B1: tl.constexpr = (M // 2 if AXIS == 0 else M % 2) if AXIS != 1 else 0
    B2: tl.constexpr = M % 2 if AXIS < 2 else 0
    E0: tl.constexpr = 1 if AXIS == 0 else B0
    E1: tl.constexpr = 1 if AXIS == 1 else B1
    E2: tl.constexpr = 1 if AXIS == 2 else B2
    there = _there(cell0, known, D, B0) & _there(cell1, known, H, B1) & _there(cell2, known, W, B2)
    place = ((cell0 + B0) * H + cell1 + B1) * W + cell2 + B2
    low = tl.load(pixels + place[None, :] * step, mask=exists & there[None, :], other=0.0).to(work)
    there = _there(cell0, known, D, E0) & _there(cell1, known, H, E1) & _there(cell2, known, W, E2)
    place = ((cell0 + E0) * H + cell1 + E1) * W + cell2 + E2
    high = tl.load(pixels + place[None, :] * step, mask=exists & there[None, :], other=0.0).to(work)
    return high - low


@triton.jit
def _part(
    value, high0, high1, high2, cell0, cell1, cell2, known, D, H, W,
    AXIS: tl.constexpr, M: tl.constexpr, DIMS: tl.constexpr,
):  # fmt: skip
    """The share of such a pair's sum in the derivative: its weight in the other dimensions."""
    B0: tl.constexpr = M // 2 if AXIS > 0 else 0
    B1: tl.constexpr = (M // 2 if AXIS == 0 else M % 2) if AXIS != 1 else 0
    B2: tl.constexpr = M % 2 if AXIS < 2 else 0
    there = known
    weight = tl.zeros_like(value) + 1.0
    if AXIS != 0 and DIMS == 3:
        there &= _there(cell0, known, D, B0)
        weight = _weight(high0, B0)
    if AXIS != 1:
        there &= _there(cell1, known, H, B1)
        weight = weight * _weight(high1, B1)
    if AXIS != 2:
        there &= _there(cell2, known, W, B2)
        weight = weight * _weight(high2, B2)
    return tl.where(there, value * weight, 0.0)


@triton.jit
def _cubic_cell(place, SIZE, TAP: tl.constexpr, PADDING: tl.constexpr, ALIGN: tl.constexpr):
    """A tap's pixel, and whether there is one."""
    top = (SIZE - 1).to(place.dtype)
    at = tl.floor(place) + (TAP - 1)
    if PADDING == 2:
        at, _ = _reflect(at, SIZE, ALIGN)
    if PADDING != 0:
        at = _clamp(tl.where(at == at, at, 0.0), 0.0, top)
    known = (at >= 0) & (at <= top)
    return tl.where(known, at, 0.0).to(tl.int64), known


@triton.jit
def _cubic_weight(t, TAP: tl.constexpr):
    if TAP == 0:
        x = t + 1.0
    elif TAP == 1:
        x = t
    elif TAP == 2:
        x = 1.0 - t
    else:
        x = 2.0 - t
    if (TAP == 1) or (TAP == 2):
        return (1.25 * x - 2.25) * x * x + 1.0
    return ((-0.75 * x + 3.75) * x - 6.0) * x + 3.0


@triton.jit
def _cubic_slope(t, TAP: tl.constexpr):
    if TAP == 0:
        x = t + 1.0
    elif TAP == 1:
        x = t
    elif TAP == 2:
        x = 1.0 - t
    else:
        x = 2.0 - t
    if (TAP == 1) or (TAP == 2):
        slope = (3.75 * x - 4.5) * x
    else:
        slope = (-2.25 * x + 7.5) * x - 6.0
    if TAP >= 2:
        slope = -slope
    return slope


@triton.jit
def _tree(terms, BLOCK: tl.constexpr):
    """(8, BLOCK) summed over the 8 channels: the second half added to the first, three times."""
    four = tl.sum(tl.reshape(terms, (2, 4, BLOCK)), 0)
    two = tl.sum(tl.reshape(four, (2, 2, BLOCK)), 0)
    return tl.sum(two, 0)


@triton.jit(do_not_specialize=["C", "D", "H", "W"])
def _backward(
    grad_output, input, grid, grad_grid, total, remainder, raised, near, far, power,
    C, P, D, H, W, g0, g1, g2, x0, x1, x2, r0, r1, r2, blocks,
    DIMS: tl.constexpr, MODE: tl.constexpr, PADDING: tl.constexpr, ALIGN: tl.constexpr,
    WANT_INPUT: tl.constexpr, WANT_GRID: tl.constexpr, DOUBLE: tl.constexpr, RAISED: tl.constexpr,
    SUMS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    work = tl.float64 if DOUBLE else tl.float32
    HALF: tl.constexpr = 1 << (DIMS - 1)
    program = tl.program_id(0).to(tl.int64)
    n = program // blocks
    p = (program % blocks) * BLOCK + tl.arange(0, BLOCK)
    inside = p < P
    at = grid + n * r0 + p * r1
    x, slope2 = _locate(tl.load(at, mask=inside, other=0.0).to(work), W, MODE, PADDING, ALIGN)
    y, slope1 = _locate(tl.load(at + r2, mask=inside, other=0.0).to(work), H, MODE, PADDING, ALIGN)
    z, slope0 = tl.zeros_like(x), tl.zeros_like(x)
    if DIMS == 3:
        z, slope0 = _locate(tl.load(at + r2 + r2, mask=inside, other=0.0).to(work), D, MODE, PADDING, ALIGN)
    cell2, known2, high2 = _first(x, W, MODE)
    cell1, known1, high1 = _first(y, H, MODE)
    cell0, known0, high0 = _first(z, D, MODE)
    known = known0 & known1 & known2 & inside

    slots = tl.arange(0, SUMS)[:, None]
    sums = tl.zeros((SUMS, BLOCK), dtype=work)
    places = D.to(tl.int64) * H * W
    group = 0
    while group < C:  # not `range`, of which the interpreter knows only numbers
        c = group + tl.arange(0, 8).to(tl.int64)[:, None]
        exists = (c < C) & inside[None, :]
        g = tl.load(grad_output + n * g0 + c * g1 + p[None, :] * g2, mask=exists, other=0.0).to(work)
        pixels = input + n * x0 + c * x1
        lane = n * C + c
        if WANT_INPUT:
            scaled = g.to(tl.float64) * tl.load(near + lane, mask=c < C, other=1.0).to(tl.float64)
            scaled = scaled * tl.load(far + lane, mask=c < C, other=1.0).to(tl.float64)
            bins = lane * (places + 1)
            if MODE == 2:
                for k in tl.static_range(16):
                    row, there1 = _cubic_cell(y, H, k // 4, PADDING, ALIGN)
                    column, there2 = _cubic_cell(x, W, k % 4, PADDING, ALIGN)
                    weight = _cubic_weight(high1, k // 4) * _cubic_weight(high2, k % 4)
                    place = bins + (row * W + column)[None, :]
                    mask = exists & (there1 & there2)[None, :]
                    deposit(
                        total,
                        remainder,
                        raised,
                        place,
                        scaled * weight.to(tl.float64)[None, :],
                        power,
                        mask,
                        DOUBLE,
                        RAISED,
                    )
            elif MODE == 1:
                place = bins + ((cell0 * H + cell1) * W + cell2)[None, :]
                deposit(
                    total, remainder, raised, place, scaled, power, exists & known[None, :], DOUBLE, RAISED
                )
            else:
                for k in tl.static_range(2 * HALF):
                    there = _there(cell0, known, D, k // 4)
                    there &= _there(cell1, known, H, k // 2 % 2) & _there(cell2, known, W, k % 2)
                    weight = _weight(high1, k // 2 % 2)
                    if DIMS == 3:
                        weight = _weight(high0, k // 4) * weight
                    weight = weight * _weight(high2, k % 2)
                    row = (cell0 + k // 4) * H + cell1 + k // 2 % 2
                    place = bins + (row * W + cell2 + k % 2)[None, :]
                    mask = exists & there[None, :]
                    deposit(
                        total,
                        remainder,
                        raised,
                        place,
                        scaled * weight.to(tl.float64)[None, :],
                        power,
                        mask,
                        DOUBLE,
                        RAISED,
                    )
        if WANT_GRID:
            if MODE == 2:
                for k in tl.static_range(16):
                    row, there1 = _cubic_cell(y, H, k // 4, PADDING, ALIGN)
                    column, there2 = _cubic_cell(x, W, k % 4, PADDING, ALIGN)
                    mask = exists & (there1 & there2)[None, :]
                    value = tl.load(pixels + (row * W + column)[None, :] * x2, mask=mask, other=0.0).to(work)
                    sums += tl.where(slots == k, _tree(value * g, BLOCK)[None, :], 0.0)
            else:
                for axis in tl.static_range(3 - DIMS, 3):
                    for m in tl.static_range(HALF):
                        value = _difference(
                            pixels, x2, exists, cell0, cell1, cell2, known, D, H, W, axis, m, work
                        )
                        slot = (axis - 3 + DIMS) * HALF + m
                        sums += tl.where(slots == slot, _tree(value * g, BLOCK)[None, :], 0.0)
        group += 8
    if WANT_GRID:
        d0, d1, d2 = tl.zeros_like(x), tl.zeros_like(x), tl.zeros_like(x)
        if MODE == 2:
            for k in tl.static_range(16):
                value = tl.sum(tl.where(slots == k, sums, 0.0), 0)
                d1 += value * (_cubic_slope(high1, k // 4) * _cubic_weight(high2, k % 4))
                d2 += value * (_cubic_weight(high1, k // 4) * _cubic_slope(high2, k % 4))
        else:
            for axis in tl.static_range(3 - DIMS, 3):
                for m in tl.static_range(HALF):
                    slot = (axis - 3 + DIMS) * HALF + m
                    value = tl.sum(tl.where(slots == slot, sums, 0.0), 0)
                    term = _part(
                        value, high0, high1, high2, cell0, cell1, cell2, known, D, H, W, axis, m, DIMS
                    )
                    if axis == 0:
                        d0 += term
                    elif axis == 1:
                        d1 += term
                    else:
                        d2 += term
        out = grad_grid + (n * P + p) * DIMS
        tl.store(out, d2 * slope2 + 0.0, mask=inside)
        tl.store(out + 1, d1 * slope1 + 0.0, mask=inside)
        if DIMS == 3:
            tl.store(out + 2, d0 * slope0 + 0.0, mask=inside)


def backward(
    grad_output: Tensor, input: Tensor, grid: Tensor, sampling: Any, wanted: Sequence[bool]
) -> tuple[Tensor | None, Tensor | None]:
    """`samebits.ops.grid_sample`'s two gradients, or None where not wanted; nothing is empty."""
    g, x, r = grad_output.flatten(2), input.flatten(2), grid.flatten(1, -2)
    (n, c, pixels), (_, points, dimensions) = x.shape, r.shape
    work = accumulated(input.dtype)
    want_grid = bool(wanted[1]) and sampling.mode != 1
    grad_input = torch.empty_like(input, memory_format=torch.contiguous_format) if wanted[0] else None
    grad_grid = torch.zeros(grid.shape, dtype=work, device=grid.device) if wanted[1] else None
    size = magnitude(grad_output, lanes=2) if wanted[0] else None
    together = n if size is None else max(1, CELLS // (c * pixels))
    count = sampling.terms(points)
    blocks = triton.cdiv(points, BLOCK)
    depth = (1,) * (3 - dimensions)
    for first in range(0, n, together) if wanted[0] or want_grid else ():
        part = slice(first, first + together)
        images = x[part].shape[0]
        bins = None
        if size is not None:
            bound = type(size)(size.bound[part], size.finite)
            bins = Bins((images, c, pixels), bound, count, input.dtype)
        near, far = (None, None) if bins is None else (factor.contiguous() for factor in bins.factors)
        launch(
            _backward, (images * blocks,),
            g[part], x[part], r[part], None if grad_grid is None else grad_grid[part],
            bins and bins.total, bins and bins.remainder, bins and bins.raised, near, far,
            1.0 if bins is None else 2.0**bins.bits,
            c, points, *depth, *sampling.size, *g.stride(), *x.stride(), *r.stride(), blocks,
            DIMS=dimensions, MODE=sampling.mode, PADDING=sampling.padding, ALIGN=bool(sampling.align),
            WANT_INPUT=bins is not None, WANT_GRID=want_grid, DOUBLE=work == torch.float64,
            RAISED=bins is not None and bins.raised is not None,
            SUMS=triton.next_power_of_2(sampling.dots), BLOCK=BLOCK,
        )  # fmt: skip
        if bins is not None and grad_input is not None:
            grad_input[part] = bins.value().view(grad_input[part].shape)
    return grad_input, None if grad_grid is None else grad_grid.to(grid.dtype)
