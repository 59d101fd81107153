"""Regions of an image whose bins give shares of their gradient to pixels.

torchvision's region operations differ in which pixels of a bin get a share, and how
much; here is what they have in common: the pixels of a bin are the pairs of its
rows and its columns, and the shares of a pixel, which come from anywhere, are
summed exactly (`exact.py`), channels and regions in parts that are small beside
the gradient itself.

Shapes: K regions, C channels, bins PH x PW, N images of H x W, E entries a bin and axis.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from samebits.ops.primitives.exact import Bins, accumulated, magnitude

#: What the native kernels take; torchvision raises for the others.
DTYPES = (torch.float16, torch.float32, torch.float64)

#: So many terms are made at once: they and their whole numbers stay in a processor's cache.
_TERMS = 1 << 17

#: So many bins are made at once, or a sixteenth of all: few beside the gradient itself.
_BINS = 1 << 18

#: So many pairs of rows and columns are kept for all channels.
_PAIRS = 1 << 17

#: A further group of regions costs about as much as so many terms.
_GROUP = 1 << 16


@dataclass(frozen=True, slots=True)
class Axis:
    """Where regions lie along one axis, in pixels.

    Attributes:
        start: (K,), of the gradient's dtype.
        step: (K,), a bin's length.
        samples: (K,), int64, points a bin.
        pooled: bins.
        size: pixels of the image.
    """

    start: Tensor
    step: Tensor
    samples: Tensor
    pooled: int
    size: int

    def of(self, members: Tensor) -> Axis:
        """The regions `members` alone."""
        start, step, samples = (
            each.index_select(0, members) for each in (self.start, self.step, self.samples)
        )
        return Axis(start, step, samples, self.pooled, self.size)


@dataclass(frozen=True, slots=True)
class Entries:
    """Which pixels of an axis get a share: `index` (K, P, E), int64, -1 for none; `weight` alike."""

    index: Tensor
    weight: Tensor


@dataclass(frozen=True, slots=True)
class Group:
    """Regions whose entries have one shape.

    Attributes:
        members: (K,), int64, which regions; None for all.
        rows: offsets of rows in the bins of a channel, (K, PH, E), `nowhere` for none.
        columns: (K, PW, E), alike.
        pairs: of rows and columns, (K, PH, PW, E * E), where they are few enough to be kept.
    """

    members: Tensor | None
    rows: Entries
    columns: Entries
    nowhere: int
    pairs: Entries | None

    @property
    def line(self) -> int:
        """Terms of a row of bins of one region and channel."""
        return self.rows.index.shape[2] * self.columns.index[0].numel()


def takes(grad: Tensor, rois: Tensor, shape: tuple[int, ...]) -> bool:
    """Whether the arguments fit; the native kernel has the words for those that do not."""
    return (
        grad.dtype in DTYPES
        and rois.dtype == grad.dtype
        and rois.device == grad.device
        and tuple(rois.shape[1:]) == (5,)
        and tuple(grad.shape) == shape
    )


def takes_mapped(grad: Tensor, rois: Tensor, mapping: Tensor, shape: tuple[int, ...], channels: int) -> bool:
    """Whether the arguments of a position-sensitive backward fit, and `mapping` is the forward's.

    The forward maps output channel c of bin (ph, pw) to input channel (c * PH + ph) * PW + pw.
    The values are compared where that costs no synchronisation.
    """
    _, groups, tall, wide = shape
    if not takes(grad, rois, shape) or groups * tall * wide != channels or mapping.shape != grad.shape:
        return False
    if mapping.is_cuda or mapping.dtype != torch.int32:
        return mapping.dtype == torch.int32
    expected = torch.arange(channels, dtype=torch.int32, device=mapping.device).view(shape[1:])
    return bool((mapping == expected).all())


def scatter(grad: Tensor, groups: list[Group], chunk: int, result: Tensor) -> None:
    """Write the sums into `result`, (N, C, H, W), which is zero; a bin's shares are at most one in all.

    Args:
        grad: (K, C, PH, PW).
        chunk: how many channels are summed at once.
    """
    regions, channels, tall, wide = grad.shape
    images, _, height, width = result.shape
    for first, last in chunks(channels, chunk):
        part = grad[:, first:last].transpose(0, 1).to(accumulated(grad.dtype)).contiguous()
        count = regions * tall * wide
        bins = Bins((last - first, images * height * width), magnitude(part, lanes=1), count, grad.dtype)
        scaled = _in_quanta(bins, part.flatten(1)).view(part.shape)
        for group in groups:
            mine = scaled if group.members is None else scaled.index_select(1, group.members)
            for lines in _slices(mine.shape[1] * tall, (last - first) * group.line):
                _add_lines(bins, mine, group, lines)
        result[:, first:last] = bins.value().view(-1, images, height, width).transpose(0, 1)


def scatter_mapped(
    grad: Tensor, groups: list[Group], chunk: int, result: Tensor, area: Tensor | None = None
) -> None:
    """Write the sums of position-sensitive regions into `result`, (N, C, H, W), which is zero.

    Args:
        grad: (K, C / PH / PW, PH, PW).
        chunk: how many of its channels are summed at once.
        area: (K, PH, PW), what it is divided by.
    """
    regions, outputs, tall, wide = grad.shape
    images, _, height, width = result.shape
    lanes = result.view(images, outputs, tall * wide, height, width)
    for first, last in chunks(outputs, chunk):
        part = grad[:, first:last].permute(1, 2, 3, 0).to(accumulated(grad.dtype))
        part = (part if area is None else part / area.permute(1, 2, 0)).flatten(1, 2).contiguous()
        shape = (last - first, tall * wide, images * height * width)
        bins = Bins(shape, magnitude(part, lanes=2), regions, grad.dtype)
        scaled = _in_quanta(bins, part)
        for group in groups:
            mine = scaled if group.members is None else scaled.index_select(2, group.members)
            for some in _slices(mine.shape[2], (last - first) * group.line * tall):
                _add_regions(bins, mine, group, some)
        value = bins.value().view(last - first, tall * wide, images, height, width)
        lanes[:, first:last] = value.permute(2, 0, 1, 3, 4)


def alike(tall: Tensor, wide: Tensor, terms: int) -> Iterator[Tensor]:
    """Regions of like sizes together, because entries are padded to the largest; none of no size.

    The sums have no order, so the grouping does not show in them.

    Args:
        tall, wide: (K,), int64, how many rows and columns of pixels a bin has.
        terms: of one pixel of all a region's bins.
    """
    sizes = enumerate(zip(tall.tolist(), wide.tolist(), strict=True))
    every = [(rows + 1, columns + 1, number) for number, (rows, columns) in sizes if rows > 0 and columns > 0]
    for some in _alike(every, max(_GROUP // terms, 1)):
        yield torch.tensor([number for *_, number in some], device=tall.device)


def _alike(regions: list[tuple[int, int, int]], worth: int) -> Iterator[list[tuple[int, int, int]]]:
    """Split regions (height, width, number) where that saves more than `worth` padded entries."""
    if not regions:
        return
    largest = [max(region[axis] for region in regions) for axis in (0, 1)]
    best, parts = worth, None
    for axis in (0, 1):
        for limit in (largest[axis] // 2, largest[axis] * 3 // 4):
            small = [region for region in regions if region[axis] <= limit]
            if not small or len(small) == len(regions):
                continue
            tightest = max(region[axis] for region in small), max(region[1 - axis] for region in small)
            saved = len(small) * (largest[0] * largest[1] - tightest[0] * tightest[1])
            if saved > best:
                best, parts = saved, (small, [region for region in regions if region[axis] > limit])
    if parts is None:
        yield regions
        return
    for part in parts:
        yield from _alike(part, worth)


def placed(members: Tensor | None, batch: Tensor, entries: tuple[Entries, Entries], result: Tensor) -> Group:
    """The group of some regions: rows become offsets into the bins of a channel, (N, H, W)."""
    rows, columns = entries
    images, _, height, width = result.shape
    image = batch.long()[:, None, None]
    known = (rows.index >= 0) & (image >= 0) & (image < images)
    nowhere = images * height * width
    row = torch.where(known, (image * height + rows.index) * width, nowhere)
    column = torch.where(columns.index < 0, nowhere, columns.index)
    rows, columns = Entries(row, rows.weight), Entries(column, columns.weight)
    pairs = None
    if row.numel() * column[0].numel() <= _PAIRS:
        pairs = _products(
            Entries(rows.index[:, :, None], rows.weight[:, :, None]),
            Entries(columns.index[:, None], columns.weight[:, None]),
            nowhere,
        )
    return Group(members, rows, columns, nowhere, pairs)


def _products(rows: Entries, columns: Entries, nowhere: int) -> Entries:
    """The pairs (..., E * E) of rows and columns, (..., E) each."""
    index = (rows.index[..., None] + columns.index[..., None, :]).clamp_(max=nowhere)
    weight = rows.weight[..., None] * columns.weight[..., None, :]
    return Entries(index.flatten(-2), weight.flatten(-2))


def _add_lines(bins: Bins, scaled: Tensor, group: Group, lines: slice) -> None:
    """Add the terms of some lines, a line being the bins (PW) of one row of one region.

    Args:
        bins: (C, N * H * W).
        scaled: (C, K, PH, PW).
    """
    if group.pairs is not None:
        index, weight = (each.flatten(0, 1)[lines] for each in (group.pairs.index, group.pairs.weight))
        pairs = Entries(index, weight)
    else:
        region = torch.arange(lines.start, lines.stop, device=scaled.device) // group.rows.index.shape[1]
        index, weight = (each.flatten(0, 1)[lines, None] for each in (group.rows.index, group.rows.weight))
        columns = Entries(
            *(each.index_select(0, region) for each in (group.columns.index, group.columns.weight))
        )
        pairs = _products(Entries(index, weight), columns, group.nowhere)
    terms = (scaled.flatten(1, 2)[:, lines, :, None] * pairs.weight).flatten(1)
    bins.add_quanta((), pairs.index.flatten().expand(terms.shape), terms)


def _add_regions(bins: Bins, scaled: Tensor, group: Group, regions: slice) -> None:
    """Add the terms of some regions.

    Args:
        bins: (C, PH * PW, N * H * W).
        scaled: (C, PH * PW, K).
    """
    if group.pairs is not None:
        pairs = Entries(group.pairs.index[regions], group.pairs.weight[regions])
    else:
        rows = Entries(group.rows.index[regions, :, None], group.rows.weight[regions, :, None])
        columns = Entries(group.columns.index[regions, None], group.columns.weight[regions, None])
        pairs = _products(rows, columns, group.nowhere)
    index, weight = (each.flatten(1, 2).transpose(0, 1) for each in (pairs.index, pairs.weight))
    terms = (scaled[:, :, regions, None] * weight).flatten(2)
    bins.add_quanta((), index.flatten(1).expand(terms.shape), terms)


def _in_quanta(bins: Bins, terms: Tensor) -> Tensor:
    """`terms` in the quanta of their lanes: the shares of a term are at most the term."""
    scaled = terms * bins.factors[0]
    for factor in bins.factors[1:]:
        scaled *= factor
    return scaled


def channel_chunk(channels: int, bins_each: int) -> int:
    """How many channels are summed at once."""
    return max(_BINS // bins_each, channels // 16, 1)


def chunks(total: int, size: int) -> Iterator[tuple[int, int]]:
    """Ranges of at most `size`."""
    for first in range(0, total, size):
        yield first, min(first + size, total)


def _slices(total: int, each: int) -> Iterator[slice]:
    """Slices of at most `_TERMS` terms, if every item has `each`."""
    for first, last in chunks(total, max(_TERMS // max(each, 1), 1)):
        yield slice(first, last)
