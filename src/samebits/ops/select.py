"""The median along a dimension, with the index of the first element that equals it.

A median's value is the same in every run; which of several equal elements it is said
to be depends on the order in which a GPU's threads arrive.  Here it is the first of
them, on every device.  NaN is the median of whatever contains one, and the index is
that of the first NaN; `nanmedian` leaves them out, where there is anything else.

On a CPU the value is found by PyTorch's kernel.  Elsewhere that refuses: a kernel of
ours searches short rows, and of long ones the middle of the sorted elements is taken.
Zeros of both signs are equal: the value has the sign of the first.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.model.operators import Operation, Recipe, Torch, Why
from samebits.ops.case import forward, on_one
from samebits.ops.primitives.native import native, wanted

#: Two tensors, or NotImplemented.
Result = Any


def median_dim_values(
    self: Tensor, dim: int, keepdim: bool = False, *, values: Tensor, indices: Tensor
) -> Result:
    """The lower median along `dim`, into `values` and `indices`.

    Args:
        self: of any real type.
        dim: along which; its length is not 0 unless the result is empty.
        keepdim: whether it stays, with length 1.
        values: of self's type.
        indices: int64.

    Returns:
        `values` and `indices`.
    """
    return _median(self, dim, keepdim, values, indices, False)


def nanmedian_dim_values(
    self: Tensor, dim: int, keepdim: bool = False, *, values: Tensor, indices: Tensor
) -> Result:
    """As `median_dim_values`, of what is not NaN; NaN where there is nothing else."""
    return _median(self, dim, keepdim, values, indices, True)


def _median(
    self: Tensor, dim: int, keepdim: bool, values: Tensor, indices: Tensor, leave_nan: bool
) -> Result:
    if self.dim() == 0 and not self.is_cpu and dim in (-1, 0):
        return values.resize_(()).copy_(self), indices.resize_(()).zero_()
    if wanted() or self.dim() == 0 or (self.numel() == 0 and self.is_cpu):
        return NotImplemented
    if self.is_cpu and not triton_launch.triton_for(self):
        operation = torch.ops.aten.nanmedian if leave_nan else torch.ops.aten.median
        with native():
            operation.dim_values(self, dim, keepdim, values=values, indices=indices)
        places = _first(self, dim, values if keepdim else values.unsqueeze(dim))
    elif not _answerable(self, dim, values, indices):
        return NotImplemented
    elif self.numel() == 0:
        shape = [1 if at == dim % self.dim() else size for at, size in enumerate(self.shape)]
        places = torch.empty(shape, dtype=torch.int64, device=self.device)
    else:
        places = _places(self, dim, leave_nan)
    found = self.gather(dim, places)
    if not keepdim:
        places, found = places.squeeze(dim), found.squeeze(dim)
    for into, result in ((values, found), (indices, places)):
        if into.shape != result.shape:
            into.resize_(result.shape)
        into.copy_(result)
    return values, indices


def _places(x: Tensor, dim: int, leave_nan: bool) -> Tensor:
    """The indices, of length 1 along `dim`, not by PyTorch's kernel."""
    if triton_launch.triton_for(x):
        from samebits.ops._triton import select as kernels

        if x.shape[dim] <= kernels.LONGEST:
            rows = x.movedim(dim, -1).contiguous()
            return (
                kernels.place(rows.view(-1, rows.shape[-1]), leave_nan).view(rows.shape[:-1]).unsqueeze(dim)
            )
    return _first(x, dim, _middle(x, dim, leave_nan))


def _answerable(self: Tensor, dim: int, values: Tensor, indices: Tensor) -> bool:
    """Whether the arguments are right; if not, PyTorch's kernel says so."""
    return (
        -self.dim() <= dim < self.dim()
        and self.shape[dim] > 0
        and self.dtype != torch.bool
        and not self.is_complex()
        and values.dtype == self.dtype
        and indices.dtype == torch.int64
        and values.device == indices.device == self.device
    )


def _middle(x: Tensor, dim: int, leave_nan: bool) -> Tensor:
    """The lower median, with `dim` of length 1; NaN sorts as the largest."""
    ordered = x.sort(dim).values
    length = x.shape[dim]
    half = ordered.narrow(dim, (length - 1) // 2, 1)
    if not x.is_floating_point():
        return half
    if leave_nan:
        known = length - x.isnan().sum(dim, keepdim=True)
        return ordered.gather(dim, (known - 1).clamp_(min=0) // 2)
    last = ordered.narrow(dim, length - 1, 1)
    return torch.where(last.isnan(), last, half)


def _first(x: Tensor, dim: int, value: Tensor) -> Tensor:
    """Where along `dim` the first element equals `value`, which has length 1 there; NaN equals NaN."""
    same = x == value
    if x.is_floating_point() and not (x.is_cpu and not value.isnan().any()):
        same |= x.isnan() & value.isnan()
    # The first of the largest is what `argmax` answers, on every device.
    return same.view(torch.uint8).argmax(dim, keepdim=True)


REPLACES = tuple(
    Operation("median", f"aten::{name}.dim_values", Why.CHOICE, Torch.RAISES, Recipe.SORT)
    for name in ("median", "nanmedian")
)

CASES = (
    forward("median", ["median.dim_values"], on_one(lambda x: x.median(0).values, "distinct")),
    forward("nanmedian", ["nanmedian.dim_values"], on_one(lambda x: x.nanmedian(-1).values, "distinct")),
)
