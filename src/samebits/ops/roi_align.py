"""Backward of torchvision's `roi_align` and `ps_roi_align`: a region's gradient for the pixels it sampled.

A region samples its bins at points; a point lies between four pixels, and each of
them gets a share of the bin's gradient.  Regions overlap as they like, so a pixel's
shares come from anywhere: they are summed exactly (`exact.py`), in whatever order.

Both axes of a bin are sampled alike, so a pixel's share is a product of two:

    share = (Σ rows' weight / samples) * (Σ columns' weight / samples)

With a fixed number of samples each of their two taps an axis is one entry.  With
an adaptive one the points are at most a pixel apart, so each row between the first
and the last is an entry and holds what all points give it: nine rows instead of
sixteen taps for a bin of eight pixels.  A row's sum is taken in whole numbers.

Shapes: K regions, C channels, bins PH x PW, N images of H x W, E entries a bin and axis.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.model.operators import Operation, Recipe, Torch, Why
from samebits.ops.case import PLANES, Case, overlapping
from samebits.ops.primitives.exact import accumulated
from samebits.ops.primitives.regions import (
    Axis,
    Entries,
    Group,
    alike,
    channel_chunk,
    placed,
    scatter,
    scatter_mapped,
    takes,
    takes_mapped,
)

#: A row's weights are summed in quanta of 2**-48.
_WEIGHT_BITS = 48


def _roi_align_backward(
    grad: Tensor,
    rois: Tensor,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    batch_size: int,
    channels: int,
    height: int,
    width: int,
    sampling_ratio: int,
    aligned: bool,
) -> Any:
    """Gradient of `roi_align` by its input, (N, C, H, W), of `grad` (K, C, PH, PW) and `rois` (K, 5)."""
    shape = (rois.shape[0], channels, pooled_height, pooled_width)
    if not takes(grad, rois, shape):
        return NotImplemented
    size = (batch_size, channels, height, width)
    result = grad.new_zeros(size)
    if grad.numel() == 0 or result.numel() == 0:
        return result
    axes = _axes(rois, spatial_scale, (pooled_height, pooled_width), (height, width), sampling_ratio, aligned)
    if triton_launch.triton_for(grad):
        from samebits.ops._triton import roi_align as kernels

        kernels.scatter(grad, rois, axes, sampling_ratio, result)
        return result
    chunk = channel_chunk(channels, batch_size * height * width)
    scatter(grad, list(_groups(rois, axes, sampling_ratio, result, chunk)), chunk, result)
    return result


def _ps_roi_align_backward(
    grad: Tensor,
    rois: Tensor,
    channel_mapping: Tensor,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    sampling_ratio: int,
    batch_size: int,
    channels: int,
    height: int,
    width: int,
) -> Any:
    """Gradient of `ps_roi_align` by its input, (N, C, H, W), of `grad` (K, C / PH / PW, PH, PW).

    Each bin has channels of its own, so a channel gets one term of a region.
    `channel_mapping` is what the forward returned, which is the same for all regions.
    """
    each = pooled_height * pooled_width
    outputs = channels // each if each else 0
    if not takes_mapped(
        grad, rois, channel_mapping, (rois.shape[0], outputs, pooled_height, pooled_width), channels
    ):
        return NotImplemented
    size = (batch_size, channels, height, width)
    result = grad.new_zeros(size)
    if grad.numel() == 0 or result.numel() == 0:
        return result
    axes = _axes(rois, spatial_scale, (pooled_height, pooled_width), (height, width), sampling_ratio, True)
    if triton_launch.triton_for(grad):
        from samebits.ops._triton import roi_align as kernels

        kernels.scatter(grad, rois, axes, sampling_ratio, result)
        return result
    chunk = channel_chunk(outputs, result[:, :each].numel())
    groups = list(_groups(rois, axes, sampling_ratio, result, chunk))
    scatter_mapped(grad, groups, chunk, result)
    return result


def _axes(
    rois: Tensor,
    scale: float,
    pooled: tuple[int, int],
    image: tuple[int, int],
    ratio: int,
    aligned: bool,
) -> tuple[Axis, Axis]:
    """Rows and columns.  The arithmetic is the native one's, rounding by rounding: float16 in float16."""
    boxes = rois[:, 1:] * torch.tensor(scale, dtype=rois.dtype) - (0.5 if aligned else 0.0)
    start, end = boxes[:, :2], boxes[:, 2:]
    length = end - start
    if not aligned:
        length = length.clamp(min=1)
    axes = []
    for axis, along in ((1, 0), (0, 1)):
        step = length[:, axis] / torch.tensor(pooled[along], dtype=rois.dtype)
        if ratio > 0:
            samples = torch.full_like(step, ratio, dtype=torch.int64)
        else:
            samples = step.ceil().nan_to_num(0, 0, 0).clamp(min=0).long()
        axes.append(Axis(start[:, axis], step, samples, pooled[along], image[along]))
    return axes[0], axes[1]


def _entries(axis: Axis, ratio: int) -> Entries:
    """Pixels and shares of every bin."""
    most = ratio if ratio > 0 else int(axis.samples.max())
    number = torch.arange(most, device=axis.start.device)
    dtype = axis.start.dtype
    start, step = axis.start[:, None, None], axis.step[:, None, None]
    bins = torch.arange(axis.pooled, device=start.device).to(dtype)[:, None]
    samples = axis.samples[:, None, None]
    point = (start + bins * step) + ((number + 0.5).to(dtype) * step) / samples.to(dtype)
    point = point.to(accumulated(dtype))
    inside = (point >= -1) & (point <= axis.size) & (number < samples)
    point = torch.where(inside, point, 0).clamp_(min=0)
    low = point.floor().clamp_(max=axis.size - 1)
    high_weight = torch.where(point < axis.size - 1, point - low, 0)
    low_index = low.long()
    index = torch.stack([low_index, (low_index + 1).clamp_(max=axis.size - 1)], -1)
    weight = torch.stack([1 - high_weight, high_weight], -1)
    if ratio > 0:
        index = index.masked_fill_(~inside[..., None], -1)
        return Entries(index.flatten(-2), weight.flatten(-2) / samples.to(weight.dtype))
    return _window(index, weight, inside, samples)


def _window(index: Tensor, weight: Tensor, inside: Tensor, samples: Tensor) -> Entries:
    """The taps (K, P, S, 2) of points at most a pixel apart, summed by pixel."""
    first = (
        torch.where(inside, index[..., 0], 1 << 40).amin(-1, keepdim=True) if inside.shape[-1] else samples
    )
    last = torch.where(inside, index[..., 1], -1).amax(-1, keepdim=True) if inside.shape[-1] else samples - 1
    first = torch.minimum(first, last.clamp(min=0))
    length = max(int((last - first).max()) + 1, 1)
    into = torch.where(inside[..., None], index - first[..., None], length).flatten(-2)
    whole = torch.zeros((*index.shape[:2], length + 1), dtype=torch.int64, device=index.device)
    whole.scatter_add_(-1, into, (weight * 2.0**_WEIGHT_BITS).round().long().flatten(-2))
    summed = (whole[..., :length].double() * 2.0**-_WEIGHT_BITS).to(weight.dtype)
    pixel = first + torch.arange(length, device=index.device)
    return Entries(torch.where(pixel <= last, pixel, -1), summed / samples.clamp(min=1).to(weight.dtype))


def _groups(
    rois: Tensor, axes: tuple[Axis, Axis], ratio: int, result: Tensor, channels: int
) -> Iterator[Group]:
    """All regions, grouped; `channels` are scattered at once."""
    if ratio > 0:
        yield placed(None, rois[:, 0], (_entries(axes[0], ratio), _entries(axes[1], ratio)), result)
        return
    for members in alike(axes[0].samples, axes[1].samples, channels * axes[0].pooled * axes[1].pooled):
        entries = tuple(_entries(axis.of(members), ratio) for axis in axes)
        yield placed(members, rois[:, 0].index_select(0, members), (entries[0], entries[1]), result)


REPLACES = tuple(
    Operation(name, f"torchvision::_{name}_backward", Why.ATOMICS, Torch.RAISES, Recipe.EXACT)
    for name in ("roi_align", "ps_roi_align")
)

CASES = tuple(
    Case(name, (f"torchvision::_{name.partition(',')[0]}_backward",), build, PLANES, derivatives=1)
    for name, build in (
        ("roi_align", overlapping("roi_align", 3)),
        ("roi_align, aligned", overlapping("roi_align", 3, sampling_ratio=2, aligned=True)),
        ("ps_roi_align", overlapping("ps_roi_align", 2)),
    )
)
