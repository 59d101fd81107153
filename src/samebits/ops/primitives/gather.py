"""Gathering by taps along one dimension or several: each output adds what it reads, in a fixed order.

    y[i] = (((w[i,0] * x[index[i,0]]) + w[i,1] * x[index[i,1]]) + ...) / divisor

The order is that of the tap number k, which is that of the source; every product
and every sum is rounded to the accumulation type (float64 for itself, float32 for
all below).  That sentence is the definition: the plain torch below and the Triton
kernel give the same bits.

On a CPU work goes through in blocks that stay in the cache (`reading` is how a block's
elements are read), so that intermediate results cost little memory: about a third of the input or 4 MB,
and up to the input in float32 for a single image in channels_last with few channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.ops.primitives import reading
from samebits.ops.primitives.exact import accumulated
from samebits.ops.primitives.taps import Taps

#: Elements of a block, at most: with its results it stays in a third-level cache.
BLOCK = 1 << 20
#: Elements of a block, at least, where a sixth of the tensor is less: smaller ones cost more than they do.
SMALL = 1 << 19
#: Elements of a row, at least, where an image is cut along its channels.
NARROW = 8


def gather(x: Tensor, dim: int, taps: Taps, dtype: torch.dtype | None = None) -> Tensor:
    """`x` with `dim` mapped by `taps`.

    Args:
        x: floating point, any shape with `x.shape[dim] == taps.source`.
        dim: of `x`.
        taps: the map.
        dtype: of the result; by default the accumulation type.

    Returns:
        `x`'s shape with `taps.rows` in place of `dim`; channels_last as `x` is, else contiguous.
    """
    return chain(x, [(dim, taps)], dtype)


def chain(x: Tensor, passes: Sequence[tuple[int, Taps]], dtype: torch.dtype | None = None) -> Tensor:
    """`x` with several dimensions mapped, one after the other in the accumulation type.

    The dimension that shrinks most goes first (`_turn`); the order depends on the maps alone.

    Args:
        x: floating point.
        passes: (dimension, map), each dimension at most once.
        dtype: of the result; by default the accumulation type.

    Returns:
        As `gather`.
    """
    work = accumulated(x.dtype)
    dtype = dtype or work
    last = _channels_last(x)
    if last:
        x = x.movedim(1, -1)
    x = x.contiguous()
    moved = {1: x.dim() - 1, **{d: d - 1 for d in range(2, x.dim())}} if last else {}
    todo = [(moved.get(dim % x.dim(), dim % x.dim()), taps) for dim, taps in passes if not taps.identity]
    todo.sort(key=_turn)
    shape = list(x.shape)
    for dim, taps in todo:
        shape[dim] = taps.rows
    if x.numel() == 0 or prod(shape) == 0:
        result = x.new_zeros(shape, dtype=dtype)
    elif not todo:
        result = x.to(dtype, copy=True)
    elif triton_launch.triton_for(x):
        result = _on_triton(x, todo, work, dtype)
    else:
        result = _in_blocks(x, todo, work, x.new_empty(shape, dtype=dtype))
    return result.movedim(-1, 1) if last else result


def _turn(one: tuple[int, Taps]) -> tuple[float, int]:
    """The key that passes are sorted by.

    Work along the last dimension costs most, so it comes where the data are smallest: last if they
    shrink, first if they grow.
    """
    dim, taps = one
    ratio = taps.rows / max(taps.source, 1)
    return ratio, dim if ratio <= 1 else -dim


def _channels_last(x: Tensor) -> bool:
    """Whether PyTorch's kernels would answer `x` in channels_last: batch, channels, 2 or 3 dimensions."""
    if x.dim() not in (4, 5) or x.numel() == 0:
        return False
    order = [1, *range(x.dim() - 1, 1, -1), 0]
    least = 0
    for dim in order:
        if x.stride(dim) < least or x.stride(1) == 0 or (dim == 0 and least == x.stride(1)):
            return False
        least = x.stride(dim) * max(x.shape[dim], 1)
    return True


def _on_triton(x: Tensor, todo: list[tuple[int, Taps]], work: torch.dtype, dtype: torch.dtype) -> Tensor:
    from samebits.ops.primitives._triton import gather as kernels

    for number, (dim, taps) in enumerate(todo, 1):
        shape = [*x.shape[:dim], taps.rows, *x.shape[dim + 1 :]]
        made = x.new_empty(shape, dtype=dtype if number == len(todo) else work)
        index, count, weight = taps.on(x.device, work)
        outer, inner = prod(x.shape[:dim]), prod(x.shape[dim + 1 :])
        read, into = x.view(outer, taps.source, inner), made.view(outer, taps.rows, inner)
        kernels.gather(read, into, index, count, weight, taps.divisor)
        x = made
    return x


def _in_blocks(x: Tensor, todo: list[tuple[int, Taps]], work: torch.dtype, result: Tensor) -> Tensor:
    lead, tail = min(dim for dim, _ in todo), max(dim for dim, _ in todo) + 1
    outer, inner = prod(x.shape[:lead]), prod(x.shape[tail:])
    x = x.view(outer, *x.shape[lead:tail], inner)
    made = result.view(outer, *result.shape[lead:tail], inner)
    each = max(x[0].numel(), made[0].numel())
    # Half types cost twice their size when widened, so their blocks are half as large.
    size = min(BLOCK, max(SMALL, outer * each // 6)) * x.element_size() // work.itemsize
    step = max(1, size // each)
    # One image in channels_last is all there is to cut: along its channels, which costs a copy.
    width = inner if each <= 2 * size else max(NARROW, size * inner // each)
    for first in range(0, outer, step):
        for left in range(0, inner, width):
            place = slice(first, first + step), ..., slice(left, left + width)
            part, into = x[place].to(work).contiguous(), made[place]
            direct = into.dtype == work and into.is_contiguous()
            for number, (dim, taps) in enumerate(todo, 1):
                dim = dim - lead + 1
                shape = [*part.shape]
                shape[dim] = taps.rows
                target = into if direct and number == len(todo) else part.new_empty(shape)
                reading.mapped(part, dim, taps, target)
                part = target
            if not direct:
                into.copy_(part)
    return result
