"""Backward of torchvision's `roi_pool` and `ps_roi_pool`.

`roi_pool` hands a bin's gradient to the pixel that was its maximum, `ps_roi_pool`
an equal share to every pixel of the bin.  Regions overlap as they like, so the
shares of a pixel are summed exactly (`exact.py`).

Shapes: K regions, C channels, bins PH x PW, N images of H x W.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.model.operators import Operation, Recipe, Torch, Why
from samebits.ops.case import PLANES, Case, overlapping
from samebits.ops.primitives import last_write
from samebits.ops.primitives.exact import Bins, accumulated, magnitude
from samebits.ops.primitives.regions import (
    Entries,
    alike,
    channel_chunk,
    chunks,
    placed,
    scatter_mapped,
    takes,
    takes_mapped,
)

#: On a CPU, channels with so many times as many pixels as terms, and so many pixels in all, get no bin for
#: each; the sums are the same.
FEW, LARGE = 4, 1 << 17


def _roi_pool_backward(
    grad: Tensor,
    rois: Tensor,
    argmax: Tensor,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    batch_size: int,
    channels: int,
    height: int,
    width: int,
) -> Any:
    """Gradient of `roi_pool` by its input, (N, C, H, W), of `grad` and int32 `argmax`, (K, C, PH, PW)."""
    shape = (rois.shape[0], channels, pooled_height, pooled_width)
    if not takes(grad, rois, shape) or argmax.shape != grad.shape or argmax.dtype != torch.int32:
        return NotImplemented
    result = grad.new_zeros((batch_size, channels, height, width))
    if grad.numel() == 0 or result.numel() == 0:
        return result
    # An image's bins start with one for the maximum -1, of a bin without pixels, which is not read.
    each = height * width + 1
    nowhere = batch_size * each
    image = rois[:, 0].long()[:, None, None]
    start = torch.where((image >= 0) & (image < batch_size), image * each + 1, nowhere + 1)
    count = rois.shape[0] * pooled_height * pooled_width
    few = FEW * count < nowhere and channels * nowhere > LARGE and result.is_cpu
    few = few and not triton_launch.triton_for(result)
    for first, last in chunks(channels, channels if few else channel_chunk(channels, nowhere)):
        part = grad[:, first:last].transpose(0, 1).flatten(1)
        index = argmax[:, first:last].transpose(0, 1).contiguous().long().add_(start).clamp_(max=nowhere)
        index = index.flatten(1)
        size = magnitude(part, lanes=1)
        if few:
            # A sum is kept where the last of its terms is, and written from there.
            place = last_write.last(index, nowhere + 1)
            bins = Bins(part.shape, size, count, grad.dtype)
            bins.add(place, part)
            kept = (index < nowhere) & (index % each > 0)
            kept &= place == torch.arange(count, device=grad.device)
            channel, term = kept.nonzero(as_tuple=True)
            found = index[channel, term]
            image, pixel = found // each, found % each - 1
            result.flatten(2)[image, channel + first, pixel] = bins.value()[channel, term]
            continue
        bins = Bins((last - first, nowhere), size, count, grad.dtype)
        bins.add(index, part)
        value = bins.value().view(-1, batch_size, each)[..., 1:]
        result[:, first:last] = value.reshape(-1, batch_size, height, width).transpose(0, 1)
    return result


def _ps_roi_pool_backward(
    grad: Tensor,
    rois: Tensor,
    channel_mapping: Tensor,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    batch_size: int,
    channels: int,
    height: int,
    width: int,
) -> Any:
    """Gradient of `ps_roi_pool` by its input, (N, C, H, W), of `grad` (K, C / PH / PW, PH, PW).

    Each bin has channels of its own, so a pixel gets one share of a region.
    `channel_mapping` is what the forward returned, which is the same for all regions.
    """
    each = pooled_height * pooled_width
    outputs = channels // each if each else 0
    if not takes_mapped(
        grad, rois, channel_mapping, (rois.shape[0], outputs, pooled_height, pooled_width), channels
    ):
        return NotImplemented
    result = grad.new_zeros((batch_size, channels, height, width))
    if grad.numel() == 0 or result.numel() == 0:
        return result
    top, bottom = _bins(rois[:, 2::2], spatial_scale, pooled_height, height)
    left, right = _bins(rois[:, 1::2], spatial_scale, pooled_width, width)
    tall, wide = (bottom - top).clamp_(min=0), (right - left).clamp_(min=0)
    area = (tall[:, :, None] * wide[:, None, :]).clamp_(min=1).to(accumulated(grad.dtype))
    chunk = channel_chunk(outputs, result[:, :each].numel())
    groups = [
        placed(
            members,
            rois[:, 0].index_select(0, members),
            (
                _pixels(top.index_select(0, members), bottom.index_select(0, members), area.dtype),
                _pixels(left.index_select(0, members), right.index_select(0, members), area.dtype),
            ),
            result,
        )
        for members in alike(tall.amax(1), wide.amax(1), chunk * each)
    ]
    scatter_mapped(grad, groups, chunk, result, area)
    return result


def _bins(ends: Tensor, scale: float, pooled: int, size: int) -> tuple[Tensor, Tensor]:
    """First pixel of every bin and the one after its last, (K, P), int64; of regions' `ends`, (K, 2)."""
    scaled = (ends * torch.tensor(scale, dtype=ends.dtype)).float()
    whole = scaled.trunc()
    # Halves go away from zero, as in C; torch.round takes them to the even number.
    start, end = (whole + ((scaled - whole).abs() >= 0.5) * scaled.sign()).to(ends.dtype).unbind(1)
    length = (end - start).clamp(min=1) / torch.tensor(pooled, dtype=ends.dtype)
    edge = torch.arange(pooled + 1, device=ends.device).to(ends.dtype) * length[:, None]
    first, last = edge[:, :-1].floor(), edge[:, 1:].ceil()
    place = start[:, None].nan_to_num()
    return tuple((each.nan_to_num() + place).clamp_(0, size).long() for each in (first, last))  # type: ignore[return-value]


def _pixels(first: Tensor, last: Tensor, dtype: torch.dtype) -> Entries:
    """Every pixel of the bins from `first` up to `last`, (K, P), with its whole share."""
    length = max(int((last - first).max()), 1)
    pixel = first[..., None] + torch.arange(length, device=first.device)
    return Entries(
        torch.where(pixel < last[..., None], pixel, -1),
        torch.ones((), dtype=dtype, device=first.device).expand(pixel.shape),
    )


REPLACES = tuple(
    Operation(name, f"torchvision::_{name}_backward", Why.ATOMICS, Torch.RAISES, Recipe.EXACT)
    for name in ("roi_pool", "ps_roi_pool")
)

CASES = tuple(
    Case(name, (f"torchvision::_{name}_backward",), build, PLANES, derivatives=1)
    for name, build in (
        ("roi_pool", overlapping("roi_pool", 3)),
        ("ps_roi_pool", overlapping("ps_roi_pool", 2)),
    )
)
