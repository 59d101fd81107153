"""Backward of torchvision's `deform_conv2d`.

The convolution reads its input at points of its own choosing, each between four
pixels.  Where the points lie is data, so the gradient of a pixel is a sum over
points from anywhere: it is taken exactly (`exact.py`).  The other gradients are
sums in one order:

    columns = weightᵀ @ grad                            what each point's value gets
    input   += columns * mask * share of the corner     exactly
    offset  = mask * Σ_c columns * slope of the input   along y and x
    mask    = Σ_c columns * value
    weight  = Σ_b grad @ (value * mask)ᵀ
    bias    = Σ grad                                    exactly

The two products are torch's own: the same bits in every run, as those of any
layer, but with some shapes not under another number of CPU threads.

A few images at a time, and of them a few channels: beside the columns, which the
native kernel has too, little is held.

Shapes: B images, C channels, G groups of weights, O of offsets, kernel of T taps, P output pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from samebits.model.operators import Operation, Recipe, Torch, Why
from samebits.ops.case import PLANES, Build, Case, Maker, Shape, Task, torchvision
from samebits.ops.primitives.exact import Bins, accumulated, magnitude
from samebits.ops.primitives.regions import DTYPES, chunks

#: Elements of the columns of several images at once; those of one image may be more.
_COLUMNS = 1 << 20

#: Elements of the columns that are worked on at once.
_PART = 1 << 17


@dataclass(frozen=True, slots=True)
class Points:
    """Where some images are read: the four corners of every point, y before x.

    Attributes:
        index: four of (B, O, T * P), int64; H * W for a corner outside.
        weight: four alike, of the accumulated dtype.
        y, x: the points' distance to their upper left corner, alike.
    """

    index: tuple[Tensor, ...]
    weight: tuple[Tensor, ...]
    y: Tensor
    x: Tensor


def _deform_conv2d_backward(
    grad: Tensor,
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    mask: Tensor,
    bias: Tensor,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    groups: int,
    offset_groups: int,
    use_mask: bool,
) -> Any:
    """Gradients by input, weight, offset, mask and bias.

    Args:
        grad: (B, OUT, OH, OW).
        input: (B, C, H, W).
        weight: (OUT, C / groups, KH, KW).
        offset: (B, offset_groups * 2 * KH * KW, OH, OW), y before x.
        mask: (B, offset_groups * KH * KW, OH, OW), or anything where it is not used.
    """
    if not _takes(grad, input, weight, offset, mask, bias, groups, offset_groups, use_mask):
        return NotImplemented
    images, channels, height, width = input.shape
    taps = weight.shape[2:]
    grads = (
        torch.zeros_like(input, memory_format=torch.contiguous_format),
        torch.zeros_like(weight, memory_format=torch.contiguous_format),
        torch.zeros_like(offset, memory_format=torch.contiguous_format),
        torch.zeros_like(mask, memory_format=torch.contiguous_format),
    )
    dtype = accumulated(input.dtype)
    places = taps.numel() * grad[0, 0].numel()
    # Contiguous, as in the native kernel: a product's bits depend on how its factors lie in memory.
    kernel = weight.to(dtype).contiguous().view(groups, weight.shape[0] // groups, -1).transpose(1, 2)
    by_kernel = torch.zeros_like(kernel)
    steps = (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w)
    for first, last in chunks(images, max(_COLUMNS // (channels * places), 1)):
        out = (
            grad[first:last]
            .to(dtype)
            .contiguous()
            .reshape(last - first, groups, -1, grad.shape[2] * grad.shape[3])
        )
        columns = torch.matmul(kernel, out).view(last - first, channels, places)
        points = _points(offset[first:last], taps, steps, (height, width), offset_groups)
        by_mask = None
        if use_mask:
            by_mask = mask[first:last].to(dtype).reshape(last - first, offset_groups, 1, places)
        parts = tuple(each[first:last] for each in grads)
        _by_points(columns, points, input[first:last], by_mask, (parts[0], parts[2], parts[3]))
        for image in range(last - first):
            values = columns[image].view(groups, -1, out.shape[3])
            by_kernel += torch.bmm(values, out[image].transpose(1, 2))
    grads[1].copy_(by_kernel.transpose(1, 2).reshape(weight.shape))
    return (*grads, torch.ones_like(bias) * _summed(grad))


def _takes(
    grad: Tensor,
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    mask: Tensor,
    bias: Tensor,
    groups: int,
    offset_groups: int,
    use_mask: bool,
) -> bool:
    """Whether the arguments fit; the native kernel has the words for those that do not."""
    tensors = (grad, input, weight, offset, *((mask,) if use_mask else ()))
    if any(each.dim() != 4 or each.dtype != input.dtype or each.device != input.device for each in tensors):
        return False
    images, channels, *_ = input.shape
    taps = weight[0, 0].numel() if weight.numel() else 0
    pixels = grad.shape[2:]
    return (
        input.dtype in DTYPES
        and min(input.numel(), weight.numel(), grad.numel(), groups, offset_groups) > 0
        and channels % offset_groups == 0
        and weight.shape[1] * groups == channels
        and weight.shape[0] % groups == 0
        and tuple(grad.shape[:2]) == (images, weight.shape[0])
        and tuple(offset.shape) == (images, 2 * offset_groups * taps, *pixels)
        and (not use_mask or tuple(mask.shape) == (images, offset_groups * taps, *pixels))
    )


def _points(
    offset: Tensor, taps: Sequence[int], steps: Sequence[tuple[int, int]], size: tuple[int, int], groups: int
) -> Points:
    """The points of `offset` (B, O * 2 * T, OH, OW); added up in its dtype, as the native kernel does."""
    images, _, *pixels = offset.shape
    number = taps[0] * taps[1]
    moved = offset.reshape(images, groups, taps[0], taps[1], 2, *pixels)
    lows, fractions, inside = [], [], []
    for axis in (0, 1):
        stride, pad, dilation = (step[axis] for step in steps)
        shape = [1, 1, 1, 1]
        shape[axis], shape[2 + axis] = taps[axis], pixels[axis]
        tap = torch.arange(taps[axis], device=offset.device)[:, None] * dilation
        start = (torch.arange(pixels[axis], device=offset.device) * stride - pad + tap).view(shape)
        point = (start.to(offset.dtype) + moved[:, :, :, :, axis]).to(accumulated(offset.dtype))
        point = point.reshape(images, groups, number * pixels[0] * pixels[1])
        known = (point >= -1) & (point < size[axis])
        point = torch.where(known, point, 0)
        low = point.floor()
        fractions.append(point - low)
        lows.append(low.long())
        inside.append(known)
    both = inside[0] & inside[1]
    index, weight = [], []
    for down in (0, 1):
        row, share = lows[0] + down, fractions[0] if down else 1 - fractions[0]
        for right in (0, 1):
            column, part = lows[1] + right, fractions[1] if right else 1 - fractions[1]
            there = both & (row >= 0) & (row < size[0]) & (column >= 0) & (column < size[1])
            index.append(torch.where(there, row * size[1] + column, size[0] * size[1]))
            weight.append(share * part)
    return Points(tuple(index), tuple(weight), fractions[0], fractions[1])


def _by_points(
    columns: Tensor, points: Points, input: Tensor, mask: Tensor | None, grads: tuple[Tensor, Tensor, Tensor]
) -> None:
    """Gradients of some images by input, offset and mask; `columns` become the values that were read.

    Args:
        columns: (B, C, T * P).
        mask: (B, O, 1, T * P).
    """
    images, channels, places = columns.shape
    pixels = input.shape[2] * input.shape[3]
    groups = points.y.shape[1]
    each = channels // groups
    columns = columns.view(images, groups, each, places)
    input = input.reshape(images, groups, each, pixels)
    by_input = grads[0].view(images, groups, each, pixels)
    slopes = torch.zeros((3, images, groups, places), dtype=columns.dtype, device=columns.device)
    index = [corner[:, :, None] for corner in points.index]
    weight = [corner[:, :, None] for corner in points.weight]
    # A corner with no share is no neighbour: infinity times nothing must not reach it.
    reached = [torch.where(share > 0, corner, pixels) for corner, share in zip(index, weight, strict=True)]
    for first, last in chunks(each, max(_PART // (images * groups * places), 1)):
        column = columns[:, :, first:last]
        padded = torch.nn.functional.pad(input[:, :, first:last].to(column.dtype), (0, 1))
        values = [padded.gather(-1, corner.expand(column.shape)) for corner in index]
        _add_slopes(slopes, column, values, points)
        terms = column if mask is None else column * mask
        bins = Bins((*column.shape[:3], pixels), magnitude(terms, lanes=3), places, grads[0].dtype)
        for corner, share in zip(reached, weight, strict=True):
            bins.add(corner, terms * share)
        by_input[:, :, first:last] = bins.value()
        value = values[0] * weight[0]
        for corner, share in zip(values[1:], weight[1:], strict=True):
            value += corner * share
        if mask is not None:
            slopes[2] += (column * value).sum(2)
            value *= mask
        column.copy_(value)
    if mask is not None:
        slopes[:2] *= mask[:, :, 0]
        grads[2].copy_(slopes[2].view(grads[2].shape))
    shape = (images, groups, -1, 2, *grads[1].shape[2:])
    by_offset = slopes[:2].view(2, images, groups, -1, *grads[1].shape[2:])
    grads[1].view(shape).copy_(by_offset.permute(1, 2, 3, 0, 4, 5))


def _add_slopes(slopes: Tensor, column: Tensor, values: list[Tensor], points: Points) -> None:
    """Add to `slopes`, (2 or more, B, O, T * P), what moving the points along y and x would change."""
    upper_left, upper_right, lower_left, lower_right = values
    y, x = points.y[:, :, None], points.x[:, :, None]
    slope = (lower_right - upper_right).mul_(x).add_((lower_left - upper_left).mul_(1 - x))
    slopes[0] += slope.mul_(column).sum(2)
    slope = (lower_right - lower_left).mul_(y).add_((upper_right - upper_left).mul_(1 - y))
    slopes[1] += slope.mul_(column).sum(2)


def _summed(grad: Tensor) -> Tensor:
    """Sum of `grad` (B, OUT, OH, OW) over all but OUT."""
    lanes = grad.transpose(0, 1)
    bins = Bins((grad.shape[1], 1), magnitude(lanes, lanes=1), grad[:, 0].numel(), grad.dtype)
    only = torch.zeros((1,), dtype=torch.int64, device=grad.device)
    for first, last in chunks(grad.shape[0], max(_COLUMNS // grad[0].numel(), 1)):
        bins.add(only, lanes[:, first:last].flatten(1))
    return bins.value().squeeze(1)


REPLACES = (
    Operation(
        "deform_conv2d", "torchvision::_deform_conv2d_backward", Why.ATOMICS, Torch.RAISES, Recipe.EXACT
    ),
)


def _deformed(masked: bool) -> Build:
    def build(make: Maker, shape: Shape) -> Task:
        batch, channels, height, width = shape
        weight = make.normal(2, channels, 2, 2)
        offset = make.uniform(-0.9, 0.9, batch, 8, height - 1, width - 1)
        call = torchvision("deform_conv2d")
        inputs = [make.normal(*shape), offset, weight, make.normal(2)]
        if masked:
            inputs.append(make.uniform(0.2, 1, batch, 4, height - 1, width - 1))
        return Task(
            lambda x, shifts, *rest: call(x, shifts, *rest[:2], mask=rest[2] if rest[2:] else None),
            (*inputs,),
        )

    return build


CASES = tuple(
    Case(name, (REPLACES[0].schema,), _deformed(masked), PLANES, derivatives=1)
    for name, masked in (("deform_conv2d", True), ("deform_conv2d, without a mask", False))
)
