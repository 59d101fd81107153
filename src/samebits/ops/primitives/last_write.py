"""The last write, where several go to one place.

torch leaves open which of them stays.  Here it is the last one in the order of the
index, which is what a loop over it does.  It is found by a maximum of positions:
integers have no order of rounding, so any order of the atomics finds the same one.
Then that one alone is made; or all of them write its value.

On a CPU torch's `scatter_` is that loop: one thread walks the dimension in order.
"""

from __future__ import annotations

import torch
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.ops.primitives.native import native

#: What is moved as whole numbers of its size: torch moves these up to eight times as fast.
_WHOLE = {
    torch.float16: torch.int16,
    torch.bfloat16: torch.int16,
    torch.float32: torch.int32,
    torch.float64: torch.int64,
}


def last(index: Tensor, bins: int) -> Tensor:
    """For each write, the position of the last one to the same place.

    Args:
        index: int64, (..., M), in [0, bins) along the last dimension.
        bins: how many places there are.

    Returns:
        int64, of index's shape, in [0, M).
    """
    position = torch.arange(index.shape[-1], device=index.device).expand(index.shape)
    # Places that nothing is written to are not read, so they need no value.
    latest = index.new_empty((*index.shape[:-1], bins))
    with native():
        latest.scatter_reduce_(-1, index, position, "amax", include_self=False)
        return latest.gather(-1, index)


def write_(self: Tensor, dim: int, index: Tensor, source: Tensor) -> None:
    """`self[..., index[m], ...] = source[..., m, ...]` along `dim`, the last m where several meet.

    Args:
        self: of any dtype; of at least one dimension.
        dim: not negative.
        index: int64, in range, of the shape of `source`.
        source: of self's dtype; but for `dim` no larger than `self`.
    """
    if index.numel() == 0:
        return
    if triton_launch.triton_for(self):
        from samebits.ops.primitives._triton import last_write as kernels

        own, places, values = (x.movedim(dim, -1) for x in (narrowed(self, dim, index), index, source))
        kernels.write(own, places, values)
    elif self.is_cpu:
        whole = _WHOLE.get(self.dtype, self.dtype)
        with native():
            self.view(whole).scatter_(dim, index, source.view(whole))
    else:
        write_by_maximum_(self, dim, index, source)


def write_by_maximum_(self: Tensor, dim: int, index: Tensor, source: Tensor) -> None:
    """`write_` in plain torch: every write has the value of the last one at its place."""
    own = narrowed(self, dim, index)
    winner = last(index.movedim(dim, -1), self.shape[dim]).movedim(-1, dim)
    with native():
        own.scatter_(dim, index, source.gather(dim, winner))


def write_rows_(self: Tensor, index: Tensor, source: Tensor) -> None:
    """`self[index[m]] = source[m]`, the last m where several meet.

    Args:
        self: (B, ...), of any dtype and strides.
        index: int64, (M,), in [0, B).
        source: (M, ...), of self's dtype.
    """
    if source.numel() == 0:
        return
    if triton_launch.triton_for(self):
        from samebits.ops.primitives._triton import last_write as kernels

        kernels.write(self.movedim(0, -1), index, source.movedim(0, -1))
        return
    winner = last(index, len(self))
    if self.is_cuda or not torch.equal(winner, torch.arange(len(winner))):
        source = source.index_select(0, winner)
    with native():
        self.index_put_((index,), source)


def narrowed(self: Tensor, dim: int, index: Tensor) -> Tensor:
    """The part of `self` that an index of this shape reaches: all of `dim`, its extent in the others."""
    for at, size in enumerate(index.shape):
        if at != dim and size != self.shape[at]:
            self = self.narrow(at, 0, size)
    return self
