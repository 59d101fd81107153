"""Backward of `grid_sample`, in two and three dimensions.

An output point p samples the input at a place that the grid gives, from a few
pixels, its *taps*, with weights that all channels share (`samebits.ops.primitives.sampling`):

    y[c, p] = Σ_k w[k, p] * x[c, i[k, p]]                    k < 2**D bilinear, 1 nearest, 16 bicubic
    grad_input[c, j] = Σ_{k, p: i[k, p] = j} w[k, p] * g[c, p]    the targets depend on data: exact sums
    grad_grid[a, p]  = slope[a, p] * Σ_k (dw[k, p] / d place[a, p]) * Σ_c x[c, i[k, p]] * g[c, p]

The exact sums are those of `samebits.ops.primitives.pixels`.  The bilinear derivative is taken of
differences of neighbours, so that what an image has in common everywhere cancels
before it is rounded.  Sums over channels have one order, whatever the number of
threads: trees of `GROUP` channels, and the trees one after another.

Shapes: input (N, C, *size), grid (N, *points, D), grad_output (N, C, *points); P points an image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.model.operators import Operation, Recipe, Torch, Why
from samebits.ops.case import PLANES, VOLUMES, Build, Case, Maker, Shape, Size, Task
from samebits.ops.primitives.exact import Magnitude, accumulated, magnitude
from samebits.ops.primitives.pixels import Pixels, Room
from samebits.ops.primitives.sampling import (
    BICUBIC,
    BILINEAR,
    BORDER,
    NEAREST,
    REFLECTION,
    ZEROS,
    Sampling,
    cubic_weights,
    located,
    outer,
    sampled,
    tapped,
)

#: Channels that are summed in a tree; the trees' sums are added one after another.
GROUP = 8

#: What is handled at a time on a CPU: taps of all channels, and bins.
WORK = 1 << 18
CELLS = 1 << 19
#: Points at least, below which calls cost more than work.
MINIMUM = 256


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
    sampling = sampled(tuple(input.shape[2:]), mode, padding, bool(align))
    if triton_launch.triton_for(input):
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
    room = Room()
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
            room,
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
    room: Room,
) -> None:
    """Some images' gradients, in parts of channels and of points; both results are written into."""
    dtype = accumulated(input.dtype)
    places, slopes = located(grid.to(dtype), sampling)
    (n, channels), points = input.shape[:2], grid.shape[1]
    step = max(1, CELLS // (n * sampling.length * GROUP)) * GROUP
    tile = max(MINIMUM, WORK // (n * min(GROUP, channels) * sampling.taps))
    tile = -(-points // -(-points // tile))
    group = max(1, WORK // (n * tile * sampling.taps * GROUP)) * GROUP
    lanes, each = n * min(step, channels), n * tile * min(group, channels)
    room.reserve(
        lanes * (sampling.length + 1) * (8 + dtype.itemsize)
        + each * (sampling.taps * 8 + sampling.dots * dtype.itemsize + 8)
        + n * tile * sampling.taps * 8,
        input,
    )
    sums = None if grad_grid is None else grid.new_zeros((n, sampling.dots, points), dtype=dtype)
    for first in range(0, channels, step):
        part = slice(first, first + step)
        g = grad_output[:, part].flatten(2)
        image = None
        if sums is not None:
            image = room("image", (*g.shape[:2], sampling.length), g, dtype).zero_()
            sampling.inner(image).copy_(input[:, part])
        pixels = None
        if size is not None:
            bound = Magnitude(size.bound[:, part], size.finite)
            pixels = Pixels((n, g.shape[1]), sampling, bound, points, input.dtype, room)
        for at in range(0, points, tile):
            here = slice(at, at + tile)
            index, weight = tapped(places[..., here], sampling)
            if pixels is not None:
                pixels.expect(index)
                wide = None
                if weight is not None:
                    wide = room("weight", weight.shape, weight, torch.float64).copy_(weight)
            for start in range(0, g.shape[1], group):
                some = slice(start, start + group)
                gradient = g[:, some, here].to(dtype)
                if pixels is not None:
                    pixels.add(some, index, gradient, wide)
                if image is not None and sums is not None:
                    _dot(sums[..., here], image[:, some], index, gradient, sampling, room)
        if pixels is not None and grad_input is not None:
            pixels.give(grad_input[:, part])
    if grad_grid is not None and sums is not None:
        for at in range(0, points, WORK):
            here = slice(at, at + WORK)
            for axis, gradient in enumerate(_gradients(places[..., here], sums[..., here], sampling)):
                slope = slopes[axis]
                gradient *= slope if isinstance(slope, float) else slope[..., here]
                # A sum of zeros is 0.0, however many channels there are.
                grad_grid[:, here, -1 - axis] = gradient.add_(0.0)


def _dot(sums: Tensor, image: Tensor, index: Tensor, g: Tensor, sampling: Sampling, room: Room) -> None:
    """Add to `sums` (N, dots, P) what some channels' taps, or their differences, and `g` (N, C, P) give."""
    index = index.expand(-1, g.shape[1], -1, -1)
    terms = room("terms", index.shape, g, g.dtype)
    torch.gather(image, -1, index.flatten(2), out=terms.flatten(2))
    if sampling.mode == BILINEAR:
        shape = (*g.shape[:2], sampling.dots, g.shape[2])
        terms = _differences(terms, len(sampling.size), room("differences", shape, g, g.dtype))
    _fold(sums, terms.mul_(g.unsqueeze(2)))


def _differences(corners: Tensor, dimensions: int, result: Tensor) -> Tensor:
    """Of corners (N, C, 2**D, P), those that differ in one dimension: (N, C, D * 2**(D - 1), P), `result`.

    The first dimension's pairs come first; within them the other dimensions count as in the corners.
    """
    corners = corners.view(*corners.shape[:2], *(2,) * dimensions, corners.shape[3])
    for axis, into in enumerate(result.chunk(dimensions, 2)):
        shape = (*corners.shape[:2], *(2,) * (dimensions - 1), corners.shape[-1])
        torch.sub(corners.select(2 + axis, 1), corners.select(2 + axis, 0), out=into.view(shape))
    return result


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
    # Nowhere has no part; its sums are zeros, of the rim.
    high = (places - low).nan_to_num_(0.0)
    axes = range(len(sampling.size))
    weights = torch.stack((1 - high, high), 2).unbind(1)
    # Neither are what taps on the rim add up to, but for products with infinities.
    masked = not bool(sums.sum().isfinite())
    gradients = []
    for axis, pairs in zip(axes, sums.chunk(len(axes), 1), strict=True):
        others = [other for other in axes if other != axis]
        terms = pairs * outer([weights[other] for other in others])
        if masked:
            known = sampling.within(low, axis).any(1, keepdim=True)
            terms.masked_fill_(~(outer([sampling.within(low, other) for other in others]) & known), 0)
        first, *rest = terms.unbind(1)
        for term in rest:
            first = first + term
        gradients.append(first)
    return gradients


def _cubic_gradients(places: Tensor, sums: Tensor) -> list[Tensor]:
    part = places - places.floor()
    (down, down_slope), (across, across_slope) = (cubic_weights(part[:, axis]) for axis in range(2))
    gradients = []
    for weight in (outer([down_slope, across]), outer([down, across_slope])):
        total = torch.zeros_like(part[:, 0])
        for term in (sums * weight).unbind(1):
            total += term
        gradients.append(total)
    return gradients


REPLACES = tuple(
    Operation(
        "grid_sample",
        f"aten::{name}_backward",
        Why.ATOMICS,
        Torch.RAISES,
        Recipe.EXACT,
        run_by=("torch.grid_sampler",),
    )
    for name in ("grid_sampler_2d", "grid_sampler_3d", "cudnn_grid_sampler")
)


def _grid_sample(mode: str, padding: str, align: bool) -> Build:
    """Points all over the image and a little beyond."""

    def build(make: Maker, shape: Shape) -> Task:
        n, _, *space = shape
        grid = make.uniform(-1.15, 1.15, n, *space, len(space))
        call = partial(F.grid_sample, mode=mode, padding_mode=padding, align_corners=align)
        return Task(call, (make.normal(*shape), grid))

    return build


def _sampling(mode: str, padding: str, align: bool, shapes: Mapping[Size, Shape] = PLANES) -> Case:
    dimensions = len(shapes[Size.TINY]) - 2
    name = f"grid_sample {dimensions}d, {mode}, {padding}" + (", corners" if align else "")
    schema = f"aten::grid_sampler_{dimensions}d_backward"
    return Case(name, (schema,), _grid_sample(mode, padding, align), shapes)


CASES = (
    _sampling("bilinear", "zeros", False),
    _sampling("bilinear", "reflection", True),
    _sampling("bicubic", "border", False),
    _sampling("bicubic", "reflection", True),
    _sampling("nearest", "border", False),
    _sampling("bilinear", "zeros", False, VOLUMES),
    _sampling("bilinear", "reflection", True, VOLUMES),
    _sampling("nearest", "border", True, VOLUMES),
)
