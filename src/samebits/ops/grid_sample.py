"""Backward of `grid_sample`, in two and three dimensions.

An output point p samples the input at a place that the grid gives, from a few
pixels, its *taps*, with weights that all channels share (`samebits.ops.sampling`):

    y[c, p] = Σ_k w[k, p] * x[c, i[k, p]]                    k < 2**D bilinear, 1 nearest, 16 bicubic
    grad_input[c, j] = Σ_{k, p: i[k, p] = j} w[k, p] * g[c, p]    the targets depend on data: exact sums
    grad_grid[a, p]  = slope[a, p] * Σ_k (dw[k, p] / d place[a, p]) * Σ_c x[c, i[k, p]] * g[c, p]

Terms of an exact sum are products in float64, which up to float32 are exact too, on
the grid of `exact.Bins` with at most `sampling.BITS` bits.  The bilinear derivative is taken of
differences of neighbours, so that what an image has in common everywhere cancels
before it is rounded.  Sums over channels have one order, whatever the number of
threads: trees of `GROUP` channels, and the trees one after another.

Shapes: input (N, C, *size), grid (N, *points, D), grad_output (N, C, *points); P points an image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from samebits.ops import backend
from samebits.ops.exact import SUM_BITS, Bins, Magnitude, accumulated, magnitude
from samebits.ops.sampling import (
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
WORK = 1 << 19
CELLS = 1 << 19
#: Bytes of a line of the cache, at which every piece of memory begins.
LINE = 64
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


class Room:
    """Memory that parts use one after another: to get it fresh costs more than what is done in it.

    It is one piece, which an allocator keeps for the next call where it would give back many small ones.
    """

    def __init__(self) -> None:
        self.piece: Tensor | None = None
        self.used = 0
        self.held: dict[str, Tensor] = {}
        #: What was given, as making views costs too.
        self.given: dict[tuple[str, tuple[int, ...], torch.dtype], Tensor] = {}

    def reserve(self, size: int, like: Tensor) -> None:
        """Have so many bytes, on the device of `like`."""
        if self.piece is None:
            self.piece = like.new_empty(size + LINE * 8, dtype=torch.uint8)

    def __call__(self, name: str, shape: Sequence[int], like: Tensor, dtype: torch.dtype) -> Tensor:
        """Memory of whatever contents; what was there under this name is gone."""
        wanted = name, tuple(shape), dtype
        if wanted not in self.given:
            size = math.prod(shape) * dtype.itemsize
            if name not in self.held or len(self.held[name]) < size:
                if self.piece is not None and self.used + size <= len(self.piece):
                    self.held[name] = self.piece[self.used : self.used + size]
                    self.used += -(-size // LINE) * LINE
                else:
                    self.held[name] = like.new_empty(size, dtype=torch.uint8)
                self.given = {known: x for known, x in self.given.items() if known[0] != name}
            self.given[wanted] = self.held[name][:size].view(dtype).view(*shape)
        return self.given[wanted]


class Pixels:
    """Exact sums at the pixels of some channels, in plain torch.

    Where every term is finite, none is converted to an integer.  Added to 1.5 * 2**52 quanta a product is
    rounded to quanta, and the bits of the result, read as an integer, are those of the constant and as many
    more as there are quanta.  So bits are summed, and the constant's are subtracted as often as terms came.

    Args:
        channels: (N, C).
        sampling: how points become taps.
        size: of grad_output, the bound (N, C, 1).
        points: an image's.
        dtype: of the result.
        room: for the sums.
    """

    def __init__(
        self,
        channels: tuple[int, int],
        sampling: Sampling,
        size: Magnitude,
        points: int,
        dtype: torch.dtype,
        room: Room,
    ) -> None:
        self.sampling, self.room = sampling, room
        self.direct = bool(size.finite) and accumulated(dtype) == torch.float32
        count = sampling.terms(points)
        if self.direct:
            exponent = torch.frexp(size.bound).exponent.long() - (SUM_BITS - (count - 1).bit_length())
            self.quantum = (exponent + 1023).bitwise_left_shift_(52).view(torch.float64)
            self.constant = self.quantum * (1.5 * 2.0**52)
            shape = (*channels, sampling.length + 1)  # the last is nowhere
            self.total = room("sums", shape, size.bound, torch.int64).zero_()
            self.met = self.total.new_zeros((channels[0], 1, shape[-1]))
        else:
            self.bins = Bins((*channels, sampling.length), size, count, dtype)
            self.factors = [factor.double() for factor in self.bins.factors]

    def expect(self, index: Tensor) -> None:
        """Every channel is about to be added to at `index` (N, 1, K, P)."""
        if self.direct:
            places = index.flatten(2)
            self.met.scatter_add_(-1, places, places.new_ones(()).expand(places.shape))

    def add(self, lanes: slice, index: Tensor, g: Tensor, weight: Tensor | None) -> None:
        """Add to some channels' pixels.

        Args:
            lanes: which channels.
            index: (N, 1, K, P).
            g: (N, C of lanes, P).
            weight: (N, 1, K, P), float64; None: each is 1, and K too.
        """
        g = self.room("gradient", g.shape, g, torch.float64).copy_(g).unsqueeze(2)
        places = index.expand(-1, g.shape[1], -1, -1)
        if self.direct:
            constant = self.constant[:, lanes].unsqueeze(2)
            raised = self.room("terms", places.shape, g, torch.float64)
            if weight is None:
                torch.add(constant, g, out=raised)
            else:  # the product is exact, so that it does not matter whether it is rounded of its own
                torch.addcmul(constant, g, weight, out=raised)
            self.total[:, lanes].scatter_add_(-1, places.flatten(2), raised.view(torch.int64).flatten(2))
        else:
            scaled = _product([g, *(factor[:, lanes].unsqueeze(2) for factor in self.factors)])
            scaled = scaled if weight is None else scaled * weight
            self.bins.add_quanta((slice(None), lanes), places.flatten(2), scaled.flatten(2))

    def give(self, result: Tensor) -> None:
        """Write the sums into `result` (N, C, *size)."""
        if not self.direct:
            result.copy_(self.sampling.inner(self.bins.value()))
            return
        bits = self.constant.view(torch.int64)
        step = max(1, CELLS // (8 * self.met.numel()))
        for first in range(0, self.total.shape[1], step):
            lanes = slice(first, first + step)
            self.total[:, lanes] -= self.met * bits[:, lanes]
        sums = result if result.dtype == torch.float32 else torch.empty_like(result, dtype=torch.float32)
        sums.copy_(self.sampling.inner(self.total))
        quantum = self.quantum.view(*sums.shape[:2], *(1,) * len(self.sampling.size))
        # What `Bins` does in two steps, where a float32 cannot hold the quantum.
        small = bool((quantum < 2.0**-126).any())
        sums.copy_(sums * quantum) if small else sums.mul_(quantum.float())
        if sums is not result:
            result.copy_(sums)


def _product(factors: Sequence[Tensor]) -> Tensor:
    """From the first to the last, every product rounded."""
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result


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
