"""Where `grid_sample` samples an image: places, their taps, and the taps' weights.

A place is what the grid says, in pixels.  It is "nowhere" if it is not a number, or,
with padding by zeros, if no tap lies in the input; nothing goes there, and the
gradient is zero.  PyTorch's kernels for CUDA do so; its vectorised one for CPUs gives
a NaN in the grid's gradient, or reads memory that is not the tensor's.  Bicubic
weights of no number are NaN, as in PyTorch.

Bilinear taps beyond the edge lie in a rim of one pixel around the image, so that
the taps of every place follow from its first by the same steps, without a mask.

The formulas are those of PyTorch's kernels, aten/src/ATen/native/cuda/GridSampler.cuh.

Shapes: grid (N, P, D), places (N, D, P), taps (N, 1, K, P); P points an image, K taps a point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from typing import Any

import torch
from torch import Tensor

from samebits.ops.primitives.exact import SUM_BITS

BILINEAR, NEAREST, BICUBIC = range(3)
ZEROS, BORDER, REFLECTION = range(3)

#: The parameter of PyTorch's cubic convolution.
CUBIC = -0.75

#: Bits of a term in quanta: a float64 of 1.5 * 2**52 and more holds 51, one of them for rounding.
BITS = 50


@dataclass(frozen=True)
class Sampling:
    """How places become taps.

    Attributes:
        size: the input's, (H, W) or (D, H, W).
        steps: between neighbours of each dimension in an image with a rim of one pixel.  The rim right
            of a row is the one left of the next, so that there is one column of it, and one row.
        cells: pixels of that image; the place of a point that is nowhere.
        length: cells, and as many more as lie between a point's first and last tap.
    """

    size: tuple[int, ...]
    mode: int
    padding: int
    align: bool

    @cached_property
    def rim(self) -> int:
        """None where every point has one tap, which lies in the image or is nowhere."""
        return 0 if self.mode == NEAREST else 1

    @cached_property
    def steps(self) -> tuple[int, ...]:
        return tuple(
            math.prod(size + self.rim for size in self.size[axis + 1 :]) for axis in range(len(self.size))
        )

    @cached_property
    def cells(self) -> int:
        return (
            sum((size - 1 + 2 * self.rim) * step for size, step in zip(self.size, self.steps, strict=True))
            + 1
        )

    @cached_property
    def taps(self) -> int:
        """How many pixels a point samples."""
        return {BILINEAR: 1 << len(self.size), NEAREST: 1, BICUBIC: 16}[self.mode]

    @cached_property
    def dots(self) -> int:
        """How many sums over the channels the grid's gradient is made of."""
        return self.taps if self.mode == BICUBIC else len(self.size) * self.taps // 2

    @cached_property
    def length(self) -> int:
        return self.cells + (sum(self.steps) + 1) * self.rim

    def terms(self, points: int) -> int:
        """What `exact.Bins` is told of the number of terms in a bin, so that a term has at most `BITS` bits.

        A point's bilinear weights at a pixel add up to 1 at most, as if there were one; the bicubic to 2.
        """
        return max(points * (2 if self.mode == BICUBIC else 1), 1 << (SUM_BITS - BITS))

    @cached_property
    def corners(self) -> Tensor:
        """How far a point's bilinear taps lie from its first one, (2**D, 1)."""
        bits = product((0, 1), repeat=len(self.size))
        steps = [sum(bit * step for bit, step in zip(corner, self.steps, strict=True)) for corner in bits]
        return torch.tensor(steps)[:, None]

    def within(self, low: Tensor, axis: int) -> Tensor:
        """Whether pixels (N, D, P), and their next ones, lie in the input along a dimension: (N, 2, P)."""
        near = torch.stack((low[:, axis], low[:, axis] + 1), 1)
        return (near >= 0) & (near < self.size[axis])

    def inner(self, images: Tensor) -> Tensor:
        """The images (N, C, *size) without their rims, in (N, C, length)."""
        n, c, length = images.shape
        start = images.storage_offset() + sum(self.steps) * self.rim
        return images.as_strided((n, c, *self.size), (c * length, length, *self.steps), start)


@lru_cache(maxsize=64)
def sampled(size: tuple[int, ...], mode: int, padding: int, align: bool) -> Sampling:
    """`Sampling`, made once."""
    return Sampling(size, mode, padding, align)


def located(grid: Tensor, sampling: Sampling) -> tuple[Tensor, list[Tensor | float]]:
    """Where points lie, in pixels, and the derivative of that to the grid.

    Args:
        grid: (N, P, D), its last dimension from the input's last dimension to its first.

    Returns:
        (N, D, P), in the order of the input's dimensions, and for each of them a number or (N, P).
    """
    places = grid.new_empty((grid.shape[0], grid.shape[2], grid.shape[1]))
    slopes: list[Tensor | float] = []
    for axis, size in enumerate(sampling.size):
        place = torch.add(grid[..., -1 - axis], 1.0, out=places[:, axis])
        slope: Tensor | float
        if sampling.align:
            slope = (size - 1) / 2
            place.mul_(slope)
        else:
            slope = size / 2
            place.mul_(slope).sub_(0.5)
        if sampling.mode != BICUBIC and sampling.padding != ZEROS:
            if sampling.padding == REFLECTION:
                slope = _reflect(place, size, sampling.align) * slope
            if sampling.mode != NEAREST:  # which has none
                slope = ((place > 0) & (place < size - 1)) * slope
            place.clamp_(0, size - 1)
        slopes.append(slope)
    return places, slopes


def _reflect(place: Tensor, size: int, align: bool) -> Tensor:
    """Reflect places at the edges, in place, and return the sign of the derivative."""
    low, span = (0.0, size - 1) if align else (-0.5, size)
    if span == 0:
        place.mul_(0.0)  # NaN stays
        return torch.zeros_like(place)
    place.sub_(low)
    turned = place < 0
    place.abs_()
    place.sub_((place / (2 * span)).trunc_().mul_(2 * span))
    back = 2 * span - place
    turned ^= place > back
    torch.minimum(place, back, out=place).add_(low)
    return 1.0 - 2.0 * turned.to(place.dtype)


def tapped(places: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor | None]:
    """The taps' places in an image with a rim, (N, 1, K, P), and their weights, or None for all ones."""
    if sampling.mode == BICUBIC:
        return _cubic_taps(places, sampling)
    nearest = sampling.mode == NEAREST
    low = places.round() if nearest else places.floor()
    cell = torch.stack(
        [low[:, a].clamp(0 if nearest else -1, size - 1) for a, size in enumerate(sampling.size)], 1
    )
    known = _every(cell == low)
    base = _offsets(cell, sampling)
    base = torch.where(known, base, sampling.cells)[:, None, None]
    if nearest:
        return base, None
    index = base + sampling.corners.to(base.device)
    high = places - low
    return index, outer(list(torch.stack((1 - high, high), 2).unbind(1))).unsqueeze(1)


def _offsets(cell: Tensor, sampling: Sampling) -> Tensor:
    """(N, P): the places of pixels (N, D, P), which may lie on the rim."""
    offset: Any = 0
    for axis, step in enumerate(sampling.steps):
        offset = (cell[:, axis].long() + sampling.rim) * step + offset
    return offset  # type: ignore[no-any-return]  # a number only without dimensions


def _every(flags: Tensor) -> Tensor:
    """Whether all of dimension 1 are set; two or three, for which this is faster than a reduction."""
    first, *rest = flags.unbind(1)
    for other in rest:
        first = first & other
    return first


def outer(parts: list[Tensor]) -> Tensor:
    """Products of one of (N, A, P), one of (N, B, P) ...: (N, A * B ..., P), the last counting fastest."""
    result = parts[0]
    for part in parts[1:]:
        result = (result.unsqueeze(2) * part.unsqueeze(1)).flatten(1, 2)
    return result


def cubic_weights(t: Tensor) -> tuple[Tensor, Tensor]:
    """The cubic convolution's weights for a place `t` in [0, 1), and their derivatives to `t`.

    Returns:
        Twice (N, 4, P), for the pixels at -1, 0, 1 and 2; t is (N, P).
    """
    weights, slopes = [], []
    for tap, x in enumerate((t + 1.0, t, 1.0 - t, 2.0 - t)):
        if tap in (1, 2):
            weights.append(((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1)
            slope = (3 * (CUBIC + 2) * x - 2 * (CUBIC + 3)) * x
        else:
            weights.append(((CUBIC * x - 5 * CUBIC) * x + 8 * CUBIC) * x - 4 * CUBIC)
            slope = (3 * CUBIC * x - 10 * CUBIC) * x + 8 * CUBIC
        slopes.append(slope if tap < 2 else slope.neg())
    return torch.stack(weights, 1), torch.stack(slopes, 1)


def _cubic_taps(places: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor]:
    low = places.floor()
    offset: Any = 0
    known: Any = True
    for axis, size in enumerate(sampling.size):
        at = torch.stack([low[:, axis] + (tap - 1) for tap in range(4)], 1)
        if sampling.padding == REFLECTION:
            _reflect(at, size, sampling.align)
        if sampling.padding != ZEROS:
            at.nan_to_num_(0.0).clamp_(0, size - 1)
        cell = at.clamp(0, size - 1)
        shape = (-1, 1, 4, 1, places.shape[-1]) if axis == 0 else (-1, 1, 1, 4, places.shape[-1])
        known = (cell == at).view(shape) & known
        offset = ((cell.long() + 1) * sampling.steps[axis]).view(shape) + offset
    index = torch.where(known, offset, sampling.cells).flatten(2, 3)
    part = places - low
    return index, outer([cubic_weights(part[:, axis])[0] for axis in range(2)]).unsqueeze(1)
