"""Running sums, products and log-sums, computed in float64 and rounded once."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from math import prod
from typing import Any

import torch
from torch import Tensor

from samebits.arithmetic import core
from samebits.arithmetic.rows import Defined
from samebits.arithmetic.sums import COMPUTED

#: A tensor, or NotImplemented.
Result = Any


class _Kind(IntEnum):
    """In the order of native/scans.h."""

    SUM = 0
    PRODUCT = 1
    LOG = 2


def _scan(kind: _Kind, self: Tensor, dim: int, dtype: torch.dtype | None) -> Result:
    dtype = dtype or self.dtype
    computed = COMPUTED.get(dtype)
    rank = self.dim()
    if computed is None or self.is_complex() or self.numel() == 0 or not -max(rank, 1) <= dim < max(rank, 1):
        return NotImplemented
    x = (self if self.dtype is computed else self.to(dtype).to(computed)).contiguous()
    out = x.new_empty(x.shape)
    dim = dim % rank if rank else 0
    if not x.is_cpu:
        from samebits.arithmetic._triton import scans as on_cuda

        on_cuda.scan(kind, x.view(x.shape or (1,)), out.view(x.shape or (1,)), dim)
        return out.to(dtype)
    shape = x.shape or (1,)
    n, i = shape[dim], prod(shape[dim + 1 :])
    core.bound("sb_scan_along", "iippnnni")(
        kind,
        core.DTYPES[computed],
        x.data_ptr(),
        out.data_ptr(),
        x.numel() // (n * i),
        n,
        i,
        core.threads(),
    )
    return out if dtype is computed else out.to(dtype)


def cumsum(self: Tensor, dim: int, *, dtype: torch.dtype | None = None) -> Result:
    """The running sum along a dimension."""
    return _scan(_Kind.SUM, self, dim, dtype)


def cumprod(self: Tensor, dim: int, *, dtype: torch.dtype | None = None) -> Result:
    """The running product along a dimension."""
    return _scan(_Kind.PRODUCT, self, dim, dtype)


def logcumsumexp(self: Tensor, dim: int) -> Result:
    """The running logarithm of the sum of exponentials along a dimension."""
    return _scan(_Kind.LOG, self, dim, None)


def _in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    def inplace(self: Tensor, dim: int, *, dtype: torch.dtype | None = None) -> Result:
        if dtype not in (None, self.dtype):
            return NotImplemented
        result = function(self, dim)
        return result if result is NotImplemented else self.copy_(result)

    return inplace


ROWS = (
    Defined("aten::cumsum", cumsum, "the scan of +, in float64", variants=("aten::cumsum.out",)),
    Defined("aten::cumsum_", _in_place(cumsum), "the scan of +, in float64"),
    Defined("aten::cumprod", cumprod, "the scan of *, in float64", variants=("aten::cumprod.out",)),
    Defined("aten::cumprod_", _in_place(cumprod), "the scan of *, in float64"),
    Defined(
        "aten::_logcumsumexp",
        logcumsumexp,
        "the scan of m + log1p(exp(l - m)), m the larger and l the smaller, in float64",
        variants=("aten::_logcumsumexp.out",),
    ),
)
