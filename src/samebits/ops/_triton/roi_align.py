"""Backward of `roi_align` and `ps_roi_align` on CUDA: a program hands a bin's gradient to its pixels.

    total[l, n, h, w] += rint(g[k, c, i, j] * near[l] * far[l] * (row[h] * column[w]))

    fixed      row, column: a tap's weight / samples, two taps a sample
    adaptive   row, column: Σ_s rint(weight_s * 2**48) * 2**-48 / samples, one for each pixel between the
               first sample and the last

Points and weights are computed as `samebits.ops.roi_align` does, rounding by rounding;
the sums are of integers, so the order of the atomics cannot be seen in the result.

Legend: k region of K, (i, j) bin of PH x PW, c channel of C, l lane: c, or for the
position-sensitive one c, i and j; n image, (h, w) pixel, s sample; p pair of a row and a column.
"""

from __future__ import annotations

import torch
import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch
from samebits.ops.primitives._triton.exact import deposit, rint
from samebits.ops.primitives.exact import Bins, accumulated, magnitude
from samebits.ops.primitives.regions import Axis, channel_chunk, chunks

#: Bins that are always summed at once: 32 MB of them.
_BINS = 1 << 22


@triton.jit
def _fit(x, HALF: tl.constexpr):
    """`x`, computed in float32, as a float16 would hold it where the regions are float16."""
    if HALF:
        x = x.to(tl.float16).to(tl.float32)
    return x


@triton.jit
def _divided(x, y, DOUBLE: tl.constexpr):
    """`x / y`, correctly rounded."""
    if DOUBLE:
        result = x / y
    else:
        result = tl.div_rn(x, y)
    return result


@triton.jit
def _point(start, step, samples, place, sample, size, HALF: tl.constexpr, DOUBLE: tl.constexpr):
    """Lower and upper pixel of a sample of bin `place`, the upper one's weight, and whether it is inside."""
    if DOUBLE:
        count, at, bin = samples.to(tl.float64), sample.to(tl.float64), place.to(tl.float64)
    else:
        count, at, bin = samples.to(tl.float32), sample.to(tl.float32), place.to(tl.float32)
    count, middle, bin = _fit(count, HALF), _fit(at + 0.5, HALF), _fit(bin, HALF)
    origin = _fit(start + _fit(bin * step, HALF), HALF)
    point = _fit(origin + _fit(_divided(_fit(middle * step, HALF), count, DOUBLE), HALF), HALF)
    inside = (point >= -1.0) & (point <= size) & (sample < samples)
    point = tl.maximum(tl.where(inside, point, 0.0), 0.0)
    low = tl.minimum(tl.floor(point), size - 1.0)
    weight = tl.where(point < size - 1.0, point - low, 0.0)
    low = low.to(tl.int64)
    return low, tl.minimum(low + 1, size - 1), weight, inside


@triton.jit
def _window(start, step, samples, place, size, HALF: tl.constexpr, DOUBLE: tl.constexpr):
    """First and last pixel of the samples of bin `place`; the last before the first where there are none."""
    first = size + samples * 0
    last = samples * 0 - 1
    sample = samples * 0
    while sample < samples:
        low, high, _, inside = _point(start, step, samples, place, sample, size, HALF, DOUBLE)
        first = tl.where(inside, tl.minimum(first, low), first)
        last = tl.where(inside, tl.maximum(last, high), last)
        sample += 1
    return first, last


@triton.jit
def _share(start, step, samples, place, size, pixel, HALF: tl.constexpr, DOUBLE: tl.constexpr):
    """What the samples of bin `place` give each of `pixel`, divided by their number."""
    scale: tl.constexpr = 281474976710656.0
    whole = pixel * 0
    sample = samples * 0
    while sample < samples:
        low, high, weight, inside = _point(
            start, step, samples, place, pixel * 0 + sample, size, HALF, DOUBLE
        )
        lower, upper = rint((1.0 - weight) * scale).to(tl.int64), rint(weight * scale).to(tl.int64)
        whole += tl.where((pixel == low) & inside, lower, 0) + tl.where((pixel == high) & inside, upper, 0)
        sample += 1
    summed = whole.to(tl.float64) * (1.0 / scale)
    if DOUBLE:
        count = samples.to(tl.float64)
    else:
        summed = summed.to(tl.float32)
        count = samples.to(tl.float32)
    return _divided(summed, count, DOUBLE)


@triton.jit
def _tap(start, step, samples, place, size, entry, HALF: tl.constexpr, DOUBLE: tl.constexpr):
    """Pixel and weight of each of the taps `entry`, two a sample, and whether its sample lies inside."""
    low, high, weight, inside = _point(start, step, samples, place, entry // 2, size, HALF, DOUBLE)
    upper = entry % 2 == 1
    weight = tl.where(upper, weight, 1.0 - weight)
    count = samples.to(tl.float64) if DOUBLE else samples.to(tl.float32)
    return tl.where(upper, high, low), _divided(weight, count, DOUBLE), inside


@triton.jit
def _scatter(
    total, remainder, raised, grad, image, near, far, power,
    top, tall_step, tall_samples, left, wide_step, wide_samples,
    g0, g1, g2, g3, C, PH, PW, N, H, W,
    BLOCK_C: tl.constexpr, BLOCK_P: tl.constexpr, FIXED: tl.constexpr, MAPPED: tl.constexpr,
    HALF: tl.constexpr, DOUBLE: tl.constexpr, RAISED: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0).to(tl.int64)
    region = program // PW // PH
    i, j = program // PW % PH, program % PW
    n = tl.load(image + region)
    y, y_step, y_samples = tl.load(top + region), tl.load(tall_step + region), tl.load(tall_samples + region)
    x, x_step, x_samples = tl.load(left + region), tl.load(wide_step + region), tl.load(wide_samples + region)
    if HALF:
        y, y_step, x, x_step = (
            y.to(tl.float32),
            y_step.to(tl.float32),
            x.to(tl.float32),
            x_step.to(tl.float32),
        )

    c = tl.program_id(1).to(tl.int64) * BLOCK_C + tl.arange(0, BLOCK_C)
    lane = (c * PH + i) * PW + j if MAPPED else c
    g = tl.load(grad + region * g0 + c * g1 + i * g2 + j * g3, mask=c < C, other=0.0)
    g = g.to(tl.float64) if DOUBLE else g.to(tl.float32)
    g = g * tl.load(near + lane, mask=c < C, other=1.0) * tl.load(far + lane, mask=c < C, other=1.0)
    start = (lane * N * H * W + lane)[:, None]
    there = (c < C)[:, None] & (n >= 0) & (n < N)

    first, last, fore, hind = y_samples * 0, y_samples * 2 - 1, x_samples * 0, x_samples * 2 - 1
    if not FIXED:
        first, last = _window(y, y_step, y_samples, i, H, HALF, DOUBLE)
        fore, hind = _window(x, x_step, x_samples, j, W, HALF, DOUBLE)
    length = tl.maximum(hind - fore + 1, 1)
    pairs = tl.maximum(last - first + 1, 0) * tl.maximum(hind - fore + 1, 0)
    begin = pairs * 0
    while begin < pairs:
        p = begin + tl.arange(0, BLOCK_P).to(tl.int64)
        row, column = first + p // length, fore + p % length
        mask = p < pairs
        if FIXED:
            row, rows, above = _tap(y, y_step, y_samples, i, H, row, HALF, DOUBLE)
            column, columns, within = _tap(x, x_step, x_samples, j, W, column, HALF, DOUBLE)
            mask = mask & above & within
        else:
            rows = _share(y, y_step, y_samples, i, H, row, HALF, DOUBLE)
            columns = _share(x, x_step, x_samples, j, W, column, HALF, DOUBLE)
        place = start + ((n * H + row) * W + column)[None, :]
        term = g[:, None] * (rows * columns)[None, :]
        deposit(total, remainder, raised, place, term, power, there & mask[None, :], DOUBLE, RAISED)
        begin += BLOCK_P


def scatter(grad: Tensor, rois: Tensor, axes: tuple[Axis, Axis], ratio: int, result: Tensor) -> None:
    """Write the sums into `result`, (N, C, H, W), or (N, C * PH * PW, H, W) for position-sensitive regions.

    Args:
        grad: (K, C, PH, PW), not empty.
        rois: (K, 5).
        axes: rows and columns of the regions.
        ratio: samples a bin and axis; as many as needed where it is not positive.
    """
    regions, channels, tall, wide = grad.shape
    images, outputs, height, width = result.shape
    mapped = outputs != channels
    each = outputs // channels
    pixels = images * height * width
    image = rois[:, 0].long()
    rows, columns = ((axis.start.contiguous(), axis.step.contiguous(), axis.samples) for axis in axes)
    for first, last in chunks(
        channels, max(channel_chunk(channels, each * pixels), _BINS // (each * pixels))
    ):
        part = grad[:, first:last]
        if mapped:
            size = magnitude(part.permute(1, 2, 3, 0).flatten(1, 2), lanes=2)
            bins = Bins((last - first, each, pixels), size, regions, grad.dtype)
        else:
            size = magnitude(part.transpose(0, 1), lanes=1)
            bins = Bins((last - first, pixels), size, regions * tall * wide, grad.dtype)
        near, far = (factor.contiguous() for factor in bins.factors)
        block = min(triton.next_power_of_2(last - first), 32)
        launch(
            _scatter, (regions * tall * wide, triton.cdiv(last - first, block)),
            bins.total, bins.remainder, bins.raised, part, image, near, far, 2.0**bins.bits,
            *rows, *columns, *part.stride(), last - first, tall, wide, images, height, width,
            BLOCK_C=block, BLOCK_P=16, FIXED=ratio > 0, MAPPED=mapped, HALF=grad.dtype == torch.float16,
            DOUBLE=accumulated(grad.dtype) == torch.float64, RAISED=bins.raised is not None,
        )  # fmt: skip
        value = bins.value().view(-1, images, height, width).transpose(0, 1)
        result[:, first * each : last * each] = value
