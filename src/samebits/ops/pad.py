"""The backward of reflection and replication padding.

Padding copies: output o of a dimension of length n, padded by (l, r), is a copy of

    reflection:   input |o - l|, mirrored at n - 1 too
    replication:  input min(max(o - l, 0), n - 1)

so an input's gradient is the sum of the gradients of its copies.  PyTorch adds them
with atomics.  Here one dimension after the other is folded, the first first, and the
copies are added in the order of the outputs, in the accumulation type.  Negative
padding crops: what was cut off has no copy, and gives 0.

A replicated edge has l + 1 copies.  More than `COPIES` of them are summed in groups
first, and the groups' sums in groups, which keeps the number of steps small.

Most elements have one copy, so most of the work is to copy the inside; the borders
are added to it in blocks that stay in the cache.  Cropping and wide replication go
through `taps`, which adds the same in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from math import prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.model.operators import Operation, Recipe, Torch
from samebits.ops.case import LINES, PLANES, VOLUMES, backward, on_one
from samebits.ops.primitives.exact import accumulated
from samebits.ops.primitives.gather import BLOCK, gather
from samebits.ops.primitives.taps import Integers, Taps, transposed

#: Copies of one element that are summed in one step.
COPIES = 32

Source = Callable[[Integers, int], Integers]
#: A tensor, or NotImplemented.
Result = Any


def _reflected(place: Integers, length: int) -> Integers:
    """Where a padded dimension's elements come from: `place` is 0 at the first that is no padding."""
    last = length - 1
    folded: Integers = last - np.abs(last - np.abs(place))
    return folded


def _replicated(place: Integers, length: int) -> Integers:
    return place.clip(0, length - 1)


@lru_cache(maxsize=256)
def _maps(source: Source, length: int, left: int, right: int) -> tuple[Taps, ...]:
    """The maps of one dimension, to be applied one after the other."""
    maps: list[Taps] = []
    while source is _replicated and min(left, right) >= 0 and max(left, right) >= COPIES:
        if length == 1:
            left, right = left + right, 0
        place = np.arange(left + length + right)
        group = (
            np.minimum(place, left) // COPIES
            + (place - left).clip(0, length - 1)
            + (place - left - length + 1).clip(0) // COPIES
        )
        maps.append(transposed(group[:, None], source=int(group[-1]) + 1))
        left, right = left // COPIES, right // COPIES
    place = np.arange(left + length + right) - left
    return (*maps, transposed(source(place, length)[:, None], source=length))


def _backward(grad_output: Tensor, self: Tensor, padding: Sequence[int], dims: int, source: Source) -> Result:
    if not _answerable(grad_output, self, padding, dims, source):
        return NotImplemented
    x = torch.view_as_real(grad_output.resolve_conj()) if self.is_complex() else grad_output
    layout = torch.contiguous_format
    if self.dim() == dims + 2 and dims > 1 and not self.is_contiguous():
        layout = torch.channels_last if dims == 2 else torch.channels_last_3d
    last = layout != torch.contiguous_format and self.is_contiguous(memory_format=layout)
    first = self.dim() - dims
    if last:
        x, first = x.movedim(1, self.dim() - 1), 1
    x = x.contiguous()
    # From here on (outer, the padded dimensions, inner), contiguous.
    lead, tail = x.shape[:first], x.shape[first + dims :]
    x = x.view(prod(lead), *x.shape[first : first + dims], prod(tail))
    lengths = self.shape[-dims:]
    pads = [(padding[2 * i], padding[2 * i + 1]) for i in reversed(range(dims))]
    if x.numel() == 0:
        result = x.new_zeros((x.shape[0], *lengths, x.shape[-1]))
    elif triton_launch.triton_for(x):
        result = _on_triton(x, _all_maps(source, lengths, pads))
    elif min(map(min, pads)) < 0 or max(map(max, pads)) >= COPIES:
        result = _gathered(x, _all_maps(source, lengths, pads))
    else:
        result = _folded(x, lengths, pads, source)
    result = result.view(*lead, *lengths, *tail)
    if self.is_complex():
        result = torch.view_as_complex(result)
    return result.movedim(-1, 1) if last else result


def _all_maps(
    source: Source, lengths: Sequence[int], pads: Sequence[tuple[int, int]]
) -> list[tuple[Taps, ...]]:
    return [_maps(source, length, *pad) for length, pad in zip(lengths, pads, strict=True)]


def _on_triton(x: Tensor, maps: list[tuple[Taps, ...]]) -> Tensor:
    from samebits.ops._triton import pad as kernels

    dtype = x.dtype
    if any(len(steps) > 1 for steps in maps):
        # What is summed in groups first cannot be folded with the rest: a dimension alone, then the next.
        return _gathered(x, maps)
    tables = [steps[0].on(x.device, accumulated(dtype))[:2] for steps in maps]
    one = torch.zeros((1, 1), dtype=torch.int64, device=x.device), tables[0][1].new_ones(1)
    tables = [one] * (3 - len(tables)) + tables
    y = x.new_empty((x.shape[0], *(len(count) for _, count in tables), x.shape[-1]))
    kernels.fold(x.view(x.shape[0], *[1] * (5 - x.dim()), *x.shape[1:]), y, tables)
    return y


def _gathered(x: Tensor, maps: Sequence[tuple[Taps, ...]]) -> Tensor:
    """Each dimension's maps, one after the other."""
    dtype, todo = x.dtype, [(dim, step) for dim, steps in enumerate(maps, 1) for step in steps]
    for number, (dim, step) in enumerate(todo, 1):
        x = gather(x, dim, step, dtype if number == len(todo) else None)
    return x


def _folded(x: Tensor, lengths: Sequence[int], pads: Sequence[tuple[int, int]], source: Source) -> Tensor:
    """`x`, (outer, padded dimensions, inner), with the borders added to the inside."""
    result = x.new_empty((x.shape[0], *lengths, x.shape[-1]))
    fold = _fold_reflected if source is _reflected else _fold_replicated
    work, dims = accumulated(x.dtype), len(lengths)
    step = max(1, BLOCK // x[0].numel()) if x.is_cpu else x.shape[0]
    for begin in range(0, x.shape[0], step):
        part, into = x[begin : begin + step].to(work), result[begin : begin + step]
        for dim, (length, (left, right)) in enumerate(zip(lengths, pads, strict=True), 1):
            inside = part.narrow(dim, left, length)
            if dim == dims and into.dtype == work:
                inside = into.copy_(inside)
            elif dim == 1:
                inside = inside.clone()
            fold(part, inside, dim, left, right)
            part = inside
        if into.dtype != work:
            into.copy_(part)
    return result


def _fold_reflected(x: Tensor, inside: Tensor, dim: int, left: int, right: int) -> None:
    for border, first, at in (
        (left, 0, 1),
        (right, x.shape[dim] - right, inside.shape[dim] - 1 - right),
    ):
        if border:
            copies = x.narrow(dim, first, border)
            inside.narrow(dim, at, border).add_(copies.flip(dim) if border > 1 else copies)


def _fold_replicated(x: Tensor, inside: Tensor, dim: int, left: int, right: int) -> None:
    if left:
        total = x.select(dim, 0)
        for place in range(1, left):
            total = total + x.select(dim, place)
        inside.select(dim, 0).add_(total)
    edge = inside.select(dim, -1)
    for place in range(x.shape[dim] - right, x.shape[dim]):
        edge.add_(x.select(dim, place))


def _answerable(grad_output: Tensor, self: Tensor, padding: Sequence[int], dims: int, source: Source) -> bool:
    """Whether the arguments are right; if not, PyTorch's kernel says so."""
    if (
        len(padding) != 2 * dims
        or self.dim() not in (dims + 1, dims + 2)
        or 0 in self.shape[-dims - 1 :]
        or not (self.is_floating_point() or self.is_complex())
        or grad_output.dtype != self.dtype
        or grad_output.device != self.device
        or grad_output.dim() != self.dim()
        or grad_output.shape[:-dims] != self.shape[:-dims]
    ):
        return False
    for number in range(dims):
        length, left, right = self.shape[-1 - number], *padding[2 * number : 2 * number + 2]
        if grad_output.shape[-1 - number] != length + left + right or length + left + right < 1:
            return False
        if source is _reflected and max(left, right) >= length:
            return False
    return True


def reflection_pad1d_backward(grad_output: Tensor, self: Tensor, padding: Sequence[int]) -> Result:
    """The gradient of the padded tensor.

    Args:
        grad_output: of the result, `self`'s shape with the padding added; floating point or complex.
        self: (..., C, L).
        padding: (left, right), below L; negative: cropped.

    Returns:
        `self`'s shape and type.
    """
    return _backward(grad_output, self, padding, 1, _reflected)


def reflection_pad3d_backward(grad_output: Tensor, self: Tensor, padding: Sequence[int]) -> Result:
    """As `reflection_pad1d_backward`, of (..., C, D, H, W) by (left, right) of W, then of H, then of D."""
    return _backward(grad_output, self, padding, 3, _reflected)


def replication_pad1d_backward(grad_output: Tensor, self: Tensor, padding: Sequence[int]) -> Result:
    """As `reflection_pad1d_backward`, of padding with the edge, of any length."""
    return _backward(grad_output, self, padding, 1, _replicated)


def replication_pad2d_backward(grad_output: Tensor, self: Tensor, padding: Sequence[int]) -> Result:
    """As `replication_pad1d_backward`, of (..., C, H, W) by (left, right) of W, then of H."""
    return _backward(grad_output, self, padding, 2, _replicated)


def replication_pad3d_backward(grad_output: Tensor, self: Tensor, padding: Sequence[int]) -> Result:
    """As `replication_pad1d_backward`, of (..., C, D, H, W) by (left, right) of W, then of H, then of D."""
    return _backward(grad_output, self, padding, 3, _replicated)


REPLACES = tuple(
    Operation.backward(
        "pad",
        f"{name}_backward",
        Torch.RAISES,
        Recipe.TAPS,
        run_by=("torch.stft", "torch.istft") if name == "reflection_pad1d" else (),
    )
    for name in (
        "reflection_pad1d",
        "reflection_pad3d",
        "replication_pad1d",
        "replication_pad2d",
        "replication_pad3d",
    )
)

CASES = tuple(
    backward(
        f"pad {n}d, {mode}",
        f"{operation}_pad{n}d",
        on_one(partial(F.pad, pad=(2, 1) * n, mode=mode)),
        (LINES, PLANES, VOLUMES)[n - 1],
    )
    for mode, operation, dimensions in (
        ("reflect", "reflection", (1, 3)),
        ("replicate", "replication", (1, 2, 3)),
    )
    for n in dimensions
)
