"""Products of factors whose places are data: one factor after the other, in the order of the index.

A product of floats is rounded at every step, so its order shows.  Without an order there
would be only sums of logarithms, which cost ten times what a product of rows does.  So the
order is the one that a loop over the index has, on every device:

    self[index[m]] = self[index[m]] * factors[m]      m = 0, 1, 2, ...

Up to float32 a product is rounded to float32 at every step, and to a narrower type once.
On a CPU that loop is torch's own kernel, which walks the dimension on one thread.
"""

from __future__ import annotations

import torch
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.ops.primitives import sums
from samebits.ops.primitives.exact import accumulated
from samebits.ops.primitives.native import native


def multiply_(self: Tensor, dim: int, index: Tensor, factors: Tensor) -> None:
    """`self[..., index[m], ...] *= factors[..., m, ...]` along `dim`, in the order of m.

    Args:
        self: floating point or integer; of at least one dimension.
        dim: not negative.
        index: int64 in range; (M,), or of the shape of `factors`.
        factors: of self's dtype and, but for `dim`, shape.
    """
    if factors.numel() == 0 or self.numel() == 0:
        return
    own = self.to(accumulated(self.dtype)) if self.is_floating_point() else self
    if triton_launch.triton_for(self):
        from samebits.ops.primitives._triton import products as kernels

        places = index if index.dim() < factors.dim() else index.movedim(dim, -1)
        kernels.multiply(own.movedim(dim, -1), places, factors.movedim(dim, -1))
    elif self.is_cpu:
        _walk_(own, dim, index, factors)
    else:
        in_turns_(own, dim, index, factors)
    if own is not self:
        self.copy_(own)


def _walk_(self: Tensor, dim: int, index: Tensor, factors: Tensor) -> None:
    """`multiply_` on a CPU; factors may be of a narrower type."""
    if index.dim() < factors.dim():
        index = index.view([-1 if at == dim else 1 for at in range(self.dim())]).expand(factors.shape)
    count = factors.shape[dim]
    step = count if factors.dtype == self.dtype else max(1, sums.PIECE * count // factors.numel())
    for at in range(0, count, step):
        length = min(step, count - at)
        with native():
            part = factors.narrow(dim, at, length).to(self.dtype)
            self.scatter_reduce_(dim, index.narrow(dim, at, length), part, "prod")


def in_turns_(self: Tensor, dim: int, index: Tensor, factors: Tensor) -> None:
    """`multiply_` in plain torch: the first factors of all places, then the second ones, and so on."""
    own, factors = self.movedim(dim, -1), factors.movedim(dim, -1)
    index = index if index.dim() < factors.dim() else index.movedim(dim, -1)
    bins = own.shape[-1]
    lane = torch.arange(own[..., 0].numel(), device=self.device).view(*own.shape[:-1], 1)
    place, order = (lane * bins + index).reshape(-1).sort(stable=True)
    factors = factors.reshape(-1)[order].to(self.dtype)
    position = torch.arange(len(place), device=self.device)
    starts = torch.ones_like(place, dtype=torch.bool)
    torch.ne(place[1:], place[:-1], out=starts[1:])
    turn, order = (position - torch.where(starts, position, 0).cummax(0).values).sort(stable=True)
    place, factors = place[order], factors[order]
    result = own.reshape(-1)
    at = 0
    for many in torch.bincount(turn).tolist():
        # No place twice in a turn, so no two factors meet.
        places = place[at : at + many]
        result.index_copy_(0, places, result[places] * factors[at : at + many])
        at += many
    if result.data_ptr() != own.data_ptr():
        own.copy_(result.view(own.shape))
