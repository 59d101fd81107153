"""Backward of `grid_sample`, in two and three dimensions.

An output point p samples the input at a place that the grid gives, from a few
pixels, its *taps*, with weights that all channels share:

    y[c, p] = Σ_k w[k, p] * x[c, i[k, p]]                    k < 2**D bilinear, 1 nearest, 16 bicubic
    grad_input[c, j] = Σ_{k, p: i[k, p] = j} w[k, p] * g[c, p]    the targets depend on data: exact sums
    grad_grid[a, p]  = slope[a, p] * Σ_k (dw[k, p] / d place[a, p]) * Σ_c x[c, i[k, p]] * g[c, p]

The bilinear derivative is taken of differences of neighbours, so that what an
image has in common everywhere cancels before it is rounded.  Sums over channels
have one order, whatever the number of threads: trees of `GROUP` channels, and the
trees one after another.

A place is "nowhere" if it is not a number, or, with padding by zeros, if no tap
lies in the input; nothing goes there, and the gradient is zero.  PyTorch's kernels
for CUDA do so; its vectorised one for CPUs gives a NaN in `grad_grid`, or reads
memory that is not the tensor's.  Bicubic weights of no number are NaN, as in PyTorch.

The formulas are those of PyTorch's kernels, aten/src/ATen/native/cuda/GridSampler.cuh.

Shapes: input (N, C, *size), grid (N, *points, D), grad_output (N, C, *points); P points an image.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor

from samebits.ops import backend
from samebits.ops.exact import Bins, Magnitude, accumulated, magnitude

BILINEAR, NEAREST, BICUBIC = range(3)
ZEROS, BORDER, REFLECTION = range(3)

#: Channels that are summed in a tree; the trees' sums are added one after another.
GROUP = 8

#: What is handled at a time on a CPU: taps of all channels, and bins.
WORK = 1 << 18
CELLS = 1 << 20
#: Points at least, below which calls cost more than work.
MINIMUM = 256

#: The parameter of PyTorch's cubic convolution.
CUBIC = -0.75


def grid_sampler_2d_backward(
    grad_output: Tensor,
    input: Tensor,
    grid: Tensor,
    interpolation_mode: int,
    padding_mode: int,
    align_corners: bool,
    output_mask: Sequence[bool],
) -> Any:
    """`aten::grid_sampler_2d_backward`: (grad_input, grad_grid), None where `output_mask` says so.

    Args:
        grad_output: (N, C, H', W').
        input: (N, C, H, W), as are the others float16, bfloat16, float32 or float64.
        grid: (N, H', W', 2), the last dimension (x, y), -1 to 1 from one edge to the other.
        interpolation_mode: 0 bilinear, 1 nearest, 2 bicubic.
        padding_mode: 0 zeros, 1 border, 2 reflection.
        align_corners: whether -1 and 1 are the centres of the outermost pixels, not their outer edges.
        output_mask: which of the two are wanted.
    """
    return _backward(
        grad_output, input, grid, 2, interpolation_mode, padding_mode, align_corners, output_mask
    )


def grid_sampler_3d_backward(
    grad_output: Tensor,
    input: Tensor,
    grid: Tensor,
    interpolation_mode: int,
    padding_mode: int,
    align_corners: bool,
    output_mask: Sequence[bool],
) -> Any:
    """`aten::grid_sampler_3d_backward`, as in two dimensions, without bicubic interpolation.

    Args:
        grad_output: (N, C, D', H', W').
        input: (N, C, D, H, W).
        grid: (N, D', H', W', 3), the last dimension (x, y, z).
    """
    if interpolation_mode == BICUBIC:
        return NotImplemented
    return _backward(
        grad_output, input, grid, 3, interpolation_mode, padding_mode, align_corners, output_mask
    )


def cudnn_grid_sampler_backward(self: Tensor, grid: Tensor, grad_output: Tensor) -> Any:
    """`aten::cudnn_grid_sampler_backward`: bilinear, padding by zeros, corners aligned; both gradients."""
    return _backward(grad_output, self, grid, 2, BILINEAR, ZEROS, True, (True, True))


@dataclass(frozen=True, slots=True)
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

    @property
    def rim(self) -> int:
        """None where every point has one tap, which lies in the image or is nowhere."""
        return 0 if self.mode == NEAREST else 1

    @property
    def steps(self) -> tuple[int, ...]:
        return tuple(
            math.prod(size + self.rim for size in self.size[axis + 1 :]) for axis in range(len(self.size))
        )

    @property
    def cells(self) -> int:
        return (
            sum((size - 1 + 2 * self.rim) * step for size, step in zip(self.size, self.steps, strict=True))
            + 1
        )

    @property
    def taps(self) -> int:
        """How many pixels a point samples."""
        return {BILINEAR: 1 << len(self.size), NEAREST: 1, BICUBIC: 16}[self.mode]

    @property
    def dots(self) -> int:
        """How many sums over the channels the grid's gradient is made of."""
        return self.taps if self.mode == BICUBIC else len(self.size) * self.taps // 2

    @property
    def length(self) -> int:
        return self.cells + (sum(self.steps) + 1) * self.rim

    def inner(self, images: Tensor) -> Tensor:
        """The images (N, C, *size) without their rims, in (N, C, length)."""
        n, c, length = images.shape
        start = images.storage_offset() + sum(self.steps) * self.rim
        return images.as_strided((n, c, *self.size), (c * length, length, *self.steps), start)

    def rimmed(self, images: Tensor, dtype: torch.dtype) -> Tensor:
        """The images (N, C, *size) in a rim of zeros, (N, C, length)."""
        whole = torch.zeros((*images.shape[:2], self.length), dtype=dtype, device=images.device)
        self.inner(whole).copy_(images)
        return whole


def _backward(
    grad_output: Tensor,
    input: Tensor,
    grid: Tensor,
    dimensions: int,
    mode: int,
    padding: int,
    align: bool,
    wanted: Sequence[bool],
) -> Any:
    if not _understood(grad_output, input, grid, dimensions, mode, padding):
        return NotImplemented
    if grad_output.numel() == 0:
        results = [torch.zeros_like(x, memory_format=torch.contiguous_format) for x in (input, grid)]
        return tuple(x if want else None for x, want in zip(results, wanted, strict=True))
    sampling = Sampling(tuple(input.shape[2:]), mode, padding, align)
    if backend.triton_for(input):
        from samebits.ops._triton import grid_sample as kernels

        return kernels.backward(grad_output, input, grid, sampling, wanted)
    grad_input = torch.empty_like(input, memory_format=torch.contiguous_format) if wanted[0] else None
    grad_grid = None
    if wanted[1]:
        grad_grid = torch.zeros_like(grid, memory_format=torch.contiguous_format)
    size = None
    if wanted[0]:
        size = magnitude(grad_output, lanes=2)
        if mode == BICUBIC:
            known = bool((grid.amax() - grid.amin()).isfinite())
            size = Magnitude(size.bound, size.finite and known)
    points = grid.shape[1:-1].numel()
    together = max(1, WORK // (GROUP * points * sampling.taps))
    for at in range(0, input.shape[0], together):
        part = slice(at, at + together)
        _images(
            grad_output[part],
            input[part],
            grid[part].flatten(1, -2),
            sampling,
            None if size is None else Magnitude(size.bound[part], size.finite),
            None if grad_input is None else grad_input[part],
            None if grad_grid is None or mode == NEAREST else grad_grid[part].flatten(1, -2),
        )
    return grad_input, grad_grid


def _understood(
    grad_output: Tensor, input: Tensor, grid: Tensor, dimensions: int, mode: int, padding: int
) -> bool:
    """Whether the arguments are right; where not, PyTorch's kernel says what is wrong."""
    return (
        input.dim() == grid.dim() == grad_output.dim() == dimensions + 2
        and grad_output.shape[:2] == input.shape[:2]
        and grad_output.shape[2:] == grid.shape[1:-1]
        and grid.shape[0] == input.shape[0]
        and grid.shape[-1] == dimensions
        and 0 not in input.shape[2:]
        and input.dtype == grid.dtype == grad_output.dtype
        and input.dtype.is_floating_point
        and input.device == grid.device == grad_output.device
        and mode in (BILINEAR, NEAREST, BICUBIC)
        and padding in (ZEROS, BORDER, REFLECTION)
    )


def _images(
    grad_output: Tensor,
    input: Tensor,
    grid: Tensor,
    sampling: Sampling,
    size: Magnitude | None,
    grad_input: Tensor | None,
    grad_grid: Tensor | None,
) -> None:
    """Some images' gradients, in parts of channels and of points; both results are written into."""
    dtype = accumulated(input.dtype)
    places, slopes = _places(grid.to(dtype), sampling)
    (n, channels), points = input.shape[:2], grid.shape[1]
    step = max(1, CELLS // (n * sampling.length * GROUP)) * GROUP
    tile = max(MINIMUM, WORK // (n * min(step, channels) * sampling.taps))
    sums = None if grad_grid is None else grid.new_zeros((n, sampling.dots, points), dtype=dtype)
    for first in range(0, channels, step):
        part = slice(first, first + step)
        g = grad_output[:, part].flatten(2).to(dtype)
        image = None if sums is None else sampling.rimmed(input[:, part], dtype)
        bins = None
        if size is not None:
            count = points * (2 if sampling.mode == BICUBIC else 1)
            bound = Magnitude(size.bound[:, part], size.finite)
            bins = Bins((*g.shape[:2], sampling.length), bound, count, input.dtype)
        for at in range(0, points, tile):
            here = slice(at, at + tile)
            index, weight = _taps(places[..., here], sampling)
            if bins is not None:
                terms = _product([g[..., here], *bins.factors]).unsqueeze(2)
                terms = terms if weight is None else terms * weight
                bins.add_quanta((), index.expand(terms.shape).flatten(2), terms.flatten(2))
            if image is not None and sums is not None:
                taps = index.expand(-1, g.shape[1], -1, -1)
                terms = image.gather(-1, taps.flatten(2)).view(taps.shape)
                terms = terms if sampling.mode == BICUBIC else _differences(terms, len(sampling.size))
                _fold(sums[..., here], terms.mul_(g[..., here].unsqueeze(2)))
        if bins is not None and grad_input is not None:
            grad_input[:, part] = sampling.inner(bins.value())
    if grad_grid is not None and sums is not None:
        for at in range(0, points, WORK):
            here = slice(at, at + WORK)
            for axis, gradient in enumerate(_gradients(places[..., here], sums[..., here], sampling)):
                slope = slopes[axis]
                gradient *= slope if isinstance(slope, float) else slope[..., here]
                # A sum of zeros is 0.0, however many channels there are.
                grad_grid[:, here, -1 - axis] = gradient.add_(0.0)


def _places(grid: Tensor, sampling: Sampling) -> tuple[Tensor, list[Tensor | float]]:
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
            inside = (place > 0) & (place < size - 1)
            slope = inside * slope
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


def _taps(places: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor | None]:
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
    offsets = [
        sum(bit * step for bit, step in zip(bits, sampling.steps, strict=True)) for bits in _corners(sampling)
    ]
    index = base + torch.tensor(offsets, device=base.device)[:, None]
    high = places - low
    return index, _outer(list(torch.stack((1 - high, high), 2).unbind(1))).unsqueeze(1)


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


def _corners(sampling: Sampling) -> Iterator[tuple[int, ...]]:
    return product((0, 1), repeat=len(sampling.size))


def _product(factors: Sequence[Tensor]) -> Tensor:
    """From the first to the last, every product rounded."""
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result


def _outer(parts: list[Tensor]) -> Tensor:
    """Products of one of (N, A, P), one of (N, B, P) ...: (N, A * B ..., P), the last counting fastest."""
    result = parts[0]
    for part in parts[1:]:
        result = (result.unsqueeze(2) * part.unsqueeze(1)).flatten(1, 2)
    return result


def _differences(corners: Tensor, dimensions: int) -> Tensor:
    """Of corners (N, C, 2**D, P), those that differ in one dimension: (N, C, D * 2**(D - 1), P).

    The first dimension's pairs come first; within them the other dimensions count as in the corners.
    """
    half = corners.shape[2] // 2
    result = corners.new_empty((*corners.shape[:2], dimensions, half, corners.shape[3]))
    corners = corners.view(*corners.shape[:2], *(2,) * dimensions, corners.shape[3])
    for axis in range(dimensions):
        into = result[:, :, axis].view(*result.shape[:2], *(2,) * (dimensions - 1), result.shape[4])
        torch.sub(corners.select(2 + axis, 1), corners.select(2 + axis, 0), out=into)
    return result.flatten(2, 3)


def _fold(sums: Tensor, terms: Tensor) -> None:
    """Add `terms` (N, C, K, P), summed over the channels, to `sums` (N, K, P); `terms` is overwritten."""
    whole = terms.shape[1] // GROUP * GROUP
    parts = [terms[:, :whole].view(len(terms), -1, GROUP, *terms.shape[2:])] if whole else []
    if whole < terms.shape[1]:
        parts.append(terms[:, whole:].unsqueeze(1))
    for part in parts:
        size, half = part.shape[2], GROUP // 2
        while half:
            if size > half:
                part[:, :, : size - half] += part[:, :, half:size]
                size = half
            half //= 2
        for tree in part[:, :, 0].unbind(1):
            sums += tree


def _gradients(places: Tensor, sums: Tensor, sampling: Sampling) -> list[Tensor]:
    """The derivatives to the places, one (N, P) a dimension, from the channels' sums (N, K, P)."""
    if sampling.mode == BICUBIC:
        return _cubic_gradients(places, sums)
    low = places.floor()
    high = places - low
    axes = range(len(sampling.size))
    weights = torch.stack((1 - high, high), 2).unbind(1)
    inside = []  # (N, 2, P): whether a corner lies in the input
    for axis in axes:
        near = torch.stack((low[:, axis], low[:, axis] + 1), 1)
        inside.append((near >= 0) & (near < sampling.size[axis]))
    gradients = []
    for axis, pairs in zip(axes, sums.chunk(len(axes), 1), strict=True):
        others = [other for other in axes if other != axis]
        known = _outer([inside[other] for other in others]) & inside[axis].any(1, keepdim=True)
        terms = torch.where(known, pairs * _outer([weights[other] for other in others]), 0)
        first, *rest = terms.unbind(1)
        for term in rest:
            first = first + term
        gradients.append(first)
    return gradients


def _cubic_weights(t: Tensor) -> tuple[Tensor, Tensor]:
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
    return index, _outer([_cubic_weights(part[:, axis])[0] for axis in range(2)]).unsqueeze(1)


def _cubic_gradients(places: Tensor, sums: Tensor) -> list[Tensor]:
    part = places - places.floor()
    (down, down_slope), (across, across_slope) = (_cubic_weights(part[:, axis]) for axis in range(2))
    gradients = []
    for weight in (_outer([down_slope, across]), _outer([down, across_slope])):
        total = torch.zeros_like(part[:, 0])
        for term in (sums * weight).unbind(1):
            total += term
        gradients.append(total)
    return gradients
