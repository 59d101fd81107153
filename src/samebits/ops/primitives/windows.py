"""The backward of pooling over windows: what is summed, and in which order.

**Max.**  The forward noted which input each output chose, so an input's gradient is
the sum over the outputs that chose it.  PyTorch adds from the outputs' side with
atomics, in whatever order they arrive.  Here the order is fixed, and is the same on
every device and in every layout:

    grad_input[i] = ((0 + grad[o1]) + grad[o2]) + ...,    o1 < o2 < ... the outputs that chose i

On a CPU `scatter_add_` along one dimension is that sum, because one thread walks
along a lane from its first output to its last.  On CUDA the Triton kernel works from
the inputs' side: each looks through the few outputs whose window may reach it
(`Windows`).  On any device without either, the outputs are sorted by what they chose,
and the first of each are added, then the second, and so on.

**Average.**  A separable linear map: each gradient is divided by its window's size
once, and summed along the last dimension first, then along the one before.  Of an
input's two neighbouring windows, which is the most that meet in most pools, the sum
is made once and copied to all inputs between them.

float16 and bfloat16 are summed in float32 and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.ops.primitives.exact import accumulated
from samebits.ops.primitives.gather import gather
from samebits.ops.primitives.native import native
from samebits.ops.primitives.taps import Integers, Taps, transposed

#: What a replacement answers: `NotImplemented` leaves the call to PyTorch's own kernel.
Answer = Any  # a tensor, or NotImplemented

#: Elements of a block whose intermediate results stay in the cache.
BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Windows:
    """Which outputs of one dimension may have chosen an input: a few neighbours, by whole-number arithmetic.

    For input i they are (factor * i + low) // divisor to (factor * i + high) // divisor, as far
    as they exist.

    Attributes:
        inputs, outputs: the dimension's lengths.
    """

    inputs: int
    outputs: int
    factor: int
    low: int
    high: int
    divisor: int

    @property
    def numbers(self) -> tuple[int, int, int, int, int, int]:
        """The attributes, in their order."""
        return (self.inputs, self.outputs, self.factor, self.low, self.high, self.divisor)

    @property
    def most(self) -> int:
        """At least as many as any input has, at least 1."""
        return min(max(-((self.low - self.high) // self.divisor) + 1, 1), self.outputs)


@lru_cache(maxsize=256)
def strided(inputs: int, outputs: int, reach: int, stride: int, padding: int) -> Windows:
    """Windows of `reach` inputs, one every `stride`, the first at -`padding`."""
    return Windows(inputs, outputs, 1, padding - reach + stride, padding, stride)


@lru_cache(maxsize=256)
def fractional(inputs: int, outputs: int, kernel: int) -> Windows:
    """Windows of `kernel` inputs at random but even distances.

    Output o starts at floor((o + u) * step) - floor(u * step), step = (inputs - kernel) / (outputs - 1), with
    an unknown u from 0 to 1: less than one before or after o * step.  `slack` covers the forward's rounding.
    """
    if outputs == 1:
        return Windows(inputs, 1, 0, 0, 0, 1)
    gaps, room = outputs - 1, inputs - kernel
    slack = inputs * inputs // 2**21
    return Windows(inputs, outputs, gaps, -kernel * gaps - slack + room - 1, gaps + slack, room)


def chosen(
    grad: Tensor, self: Tensor, indices: Tensor, windows: tuple[Windows, ...], layout: torch.memory_format
) -> Tensor:
    """For every input the sum of the gradients of the outputs that chose it.

    Args:
        grad: (..., *outputs), floating point.
        self: (..., *inputs), of the same type; gives the result its shape.
        indices: int64, (..., *outputs): the chosen input, counted through its plane or volume.
        windows: one a dimension.
        layout: of the result.

    Raises:
        RuntimeError: an index lies outside (on a CPU).
    """
    dims = len(windows)
    last = layout is not torch.contiguous_format
    if triton_launch.triton_for(grad):
        from samebits.ops.primitives._triton import windows as kernels

        result = torch.empty_like(self, memory_format=layout)
        kernels.chosen(
            grad.contiguous(memory_format=layout),
            indices.contiguous(memory_format=layout),
            result,
            [one.numbers for one in windows],
            [one.most for one in windows],
            self.shape[1] if last else 1,
        )
        return result
    work = accumulated(grad.dtype)
    direct = work == grad.dtype or all(one.most == 1 for one in windows)
    result = torch.zeros_like(self, memory_format=layout)
    add = _in_order if grad.device.type == "cpu" else _in_rounds
    if last:
        order = (0, *range(2, self.dim()), 1)
        into = result.permute(order).view(self.shape[0], -1, self.shape[1])
        terms, index = grad.permute(order).flatten(1, -2), indices.permute(order).flatten(1, -2)
        add = partial(_by_samples, add)
    else:
        into = result.view(-1, prod(self.shape[-dims:]))
        terms, index = grad.reshape(into.shape[0], -1), indices.reshape(into.shape[0], -1)
    if direct:
        add(into, index, terms)
        return result
    step = min(max(1, BLOCK // into[0].numel()), into.shape[0])
    spare = torch.empty_like(into[:step], dtype=work)
    for first in range(0, into.shape[0], step):
        part = slice(first, first + step)
        sums = spare[: into[part].shape[0]].zero_()
        add(sums, index[part], terms[part].to(work))
        into[part] = sums
    return result


def _by_samples(
    add: Callable[[Tensor, Tensor, Tensor], None], into: Tensor, index: Tensor, terms: Tensor
) -> None:
    """`add` for channels that lie together, all of them (N, places, C).

    A lane is a whole sample, for jumps from one place of a channel to the next would cost more.
    """
    samples, places, channels = index.shape
    flat, channel = into.view(samples, -1), torch.arange(channels, device=index.device)
    step = max(1, BLOCK // (samples * channels))
    for first in range(0, places, step):
        part = slice(first, first + step)
        at = torch.add(channel, index[:, part], alpha=channels)
        add(flat, at.reshape(samples, -1), terms[:, part].reshape(samples, -1))


def _in_order(into: Tensor, index: Tensor, terms: Tensor) -> None:
    with native():
        into.scatter_add_(-1, index, terms)


def _in_rounds(into: Tensor, index: Tensor, terms: Tensor) -> None:
    """The sums of `_in_order` where additions have no order: each round adds to a place once.

    What has its index outside is dropped.
    """
    lanes, bins = into.shape
    lane = torch.arange(lanes, device=into.device).unsqueeze(1)
    place = torch.where((index >= 0) & (index < bins), lane * bins + index, lanes * bins)
    place, order = place.flatten().sort(stable=True)
    rank = torch.arange(len(place), device=into.device) - torch.searchsorted(place, place)
    rank = torch.where(place < lanes * bins, rank, -1)
    sums, terms = into.flatten(), terms.flatten()
    for number in range(int(rank.max()) + 1):
        now = rank == number
        at = place[now]
        sums[at] += terms[order[now]]
    into.copy_(sums.view(into.shape))


@dataclass(frozen=True, eq=False)
class Spread:
    """One dimension of an average pool's backward.

    Attributes:
        windows: exactly those that hold an input.
        taps: the same as a map from the outputs to the inputs, of weight 1.
        sizes: of each output a whole number; the product over the dimensions is its divisor.
        rows: of each input its row among: the outputs, then the sums of neighbouring outputs if there
            are `pairs`, then 0 if there are `gaps`; None where more than two outputs meet.
    """

    windows: Windows
    taps: Taps
    sizes: tuple[int, ...]
    rows: Tensor | None
    pairs: bool
    gaps: bool


def spread(start: Integers, end: Integers, size: Integers, windows: Windows) -> Spread:
    """The dimension of these windows.

    Args:
        start, end: of each output's window, from 0 to `inputs`, the end one past its last.
        size: of each output.
        windows: the same windows.
    """
    place = start[:, None] + np.arange(max(int((end - start).max()), 1))
    taps = transposed(np.where(place < end[:, None], place, -1), source=windows.inputs)
    most = int(taps.count.max())
    neighbours = most < 2 or bool((np.diff(taps.index[taps.count == 2], axis=1) == 1).all())
    rows = None
    if most <= 2 and neighbours:
        last = 2 * len(start) - 1 if most == 2 else len(start)
        chosen = np.where(taps.count == 2, len(start) + taps.index[:, 0], taps.index[:, 0])
        rows = torch.from_numpy(np.where(taps.count == 0, last, chosen))
    sizes = size[:1] if bool((size == size[0]).all()) else size
    return Spread(windows, taps, tuple(sizes.tolist()), rows, most == 2, not taps.complete)


def averaged(grad: Tensor, self: Tensor, spreads: Sequence[Spread], layout: torch.memory_format) -> Tensor:
    """For every input the sum over its windows of their gradient divided by their size.

    The last dimension is summed first, each from its first output to its last.

    Args:
        grad: (..., *outputs), floating point.
        self: (..., *inputs), of the same type; gives the result its shape.
        spreads: one a dimension.
        layout: of the result.
    """
    dims = len(spreads)
    last = layout is not torch.contiguous_format
    divisor = _divisors(tuple(one.sizes for one in spreads), grad.device, accumulated(grad.dtype))
    result = torch.empty_like(self, memory_format=layout)
    if triton_launch.triton_for(grad):
        from samebits.ops.primitives._triton import windows as kernels

        kernels.averaged(
            torch.div(grad.contiguous(memory_format=layout), divisor),
            result,
            [one.windows.numbers for one in spreads],
            [one.windows.most for one in spreads],
            self.shape[1] if last else 1,
        )
        return result
    if last:
        into, grad, divisor = result.movedim(1, -1), grad.movedim(1, -1), divisor.unsqueeze(-1)
    else:
        into = result.view(-1, *self.shape[-dims:])
        grad = grad.reshape(-1, *grad.shape[-dims:])
    step = max(1, BLOCK // into[0].numel())
    for lane in range(0, into.shape[0], step):
        part, target = torch.div(grad[lane : lane + step], divisor), into[lane : lane + step]
        for number in range(dims, 0, -1):
            one = spreads[number - 1]
            if one.rows is None:
                part = gather(part, number, one.taps)
            else:
                made = target if number == 1 and part.dtype == target.dtype else None
                part = _selected(part, number, one, made)
        if part is not target:
            target.copy_(part)
    return result


@lru_cache(maxsize=256)
def _sizes(sizes: tuple[int, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    return torch.tensor(sizes, device=device, dtype=dtype)


def _divisors(sizes: tuple[tuple[int, ...], ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    """Of each output; of at least one dimension, for one without would not raise a quotient to `dtype`."""
    if all(len(one) == 1 for one in sizes):
        return _sizes((prod(one[0] for one in sizes),), device, dtype)
    divisor = _sizes(sizes[0], device, dtype)
    for one in sizes[1:]:
        divisor = divisor.unsqueeze(-1) * _sizes(one, device, dtype)
    return divisor


def _selected(x: Tensor, dim: int, spread: Spread, out: Tensor | None) -> Tensor:
    """`gather` by the map of `spread` where at most two outputs meet: every sum is made once, then copied."""
    assert spread.rows is not None
    table = [x]
    if spread.pairs:
        length = x.shape[dim] - 1
        table.append(x.narrow(dim, 0, length) + x.narrow(dim, 1, length))
    if spread.gaps:
        table.append(torch.zeros_like(x.narrow(dim, 0, 1)))
    whole = torch.cat(table, dim) if len(table) > 1 else x
    rows = spread.rows.to(x.device)
    return (
        torch.index_select(whole, dim, rows) if out is None else torch.index_select(whole, dim, rows, out=out)
    )


def layout_of(x: Tensor) -> torch.memory_format:
    """The memory format that PyTorch's kernels answer an input of these strides in."""
    if x.dim() not in (4, 5) or x.is_contiguous() or 0 in x.shape:
        return torch.contiguous_format
    order = (1, *range(x.dim() - 1, 1, -1), 0)
    lengths = [x.stride(dim) for dim in order]
    spans = [x.stride(dim) * max(x.shape[dim], 1) for dim in order]
    last = (
        lengths[0] > 0
        and all(span <= stride for span, stride in zip(spans, lengths[1:], strict=False))
        and lengths[-1] > lengths[0]
    )
    if not last:
        return torch.contiguous_format
    return torch.channels_last if x.dim() == 4 else torch.channels_last_3d


def matched(grad: Tensor, self: Tensor, dims: int, indices: Tensor | None = None) -> bool:
    """Whether these are a backward's arguments that need no answer from PyTorch's own checks."""
    return (
        self.dim() in (dims + 1, dims + 2)
        and grad.dim() == self.dim()
        and grad.shape[:-dims] == self.shape[:-dims]
        and self.is_floating_point()
        and grad.dtype == self.dtype
        and grad.numel() > 0
        and self.numel() > 0
        and (
            indices is None
            or (
                indices.shape == grad.shape and indices.dtype == torch.int64 and indices.device == grad.device
            )
        )
        and grad.device == self.device
    )
