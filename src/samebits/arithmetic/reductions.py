"""Sums, means, variances, norms, products and dot products: S and D of docs/reference/portable.md.

Integers and booleans are torch's own: their sums are exact.  So is what only compares (argmax); the largest
and the least number have one sign of zero.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from samebits.arithmetic.rows import Defined
from samebits.arithmetic.sums import COMPUTED, Dims, plan, total
from samebits.arithmetic.terms import Term

#: A tensor, or NotImplemented.
Result = Any


def _reduced(
    term: Term,
    self: Tensor,
    dim: Dims,
    keepdim: bool,
    dtype: torch.dtype | None,
    *,
    mean: bool = False,
    root: bool = False,
) -> Result:
    dtype = dtype or self.dtype
    computed = COMPUTED.get(dtype)
    if computed is None or self.is_complex():
        return NotImplemented
    # As torch: a conversion to the result's type is a rounding of its own, unless it is to a wider one.
    x = self if self.dtype is computed else self.to(dtype).to(computed)
    how = plan(x.shape, x.stride(), () if dim is None else tuple(dim))
    if how is None:
        return NotImplemented
    out = total(term, x, how, keepdim=keepdim, divisor=how.n if mean else 1.0, root=root)
    return out if dtype is computed else out.to(dtype)


def sum_dim(self: Tensor, dim: Dims, keepdim: bool = False, *, dtype: torch.dtype | None = None) -> Result:
    """S along dimensions."""
    return _reduced(Term.SUM, self, dim, keepdim, dtype)


def sum_all(self: Tensor, *, dtype: torch.dtype | None = None) -> Result:
    """S of all elements."""
    return _reduced(Term.SUM, self, None, False, dtype)


def mean_all(self: Tensor, *, dtype: torch.dtype | None = None) -> Result:
    """S / n of all elements."""
    return _reduced(Term.SUM, self, None, False, dtype, mean=True)


def mean_dim(self: Tensor, dim: Dims, keepdim: bool = False, *, dtype: torch.dtype | None = None) -> Result:
    """S / n along dimensions."""
    return _reduced(Term.SUM, self, dim, keepdim, dtype, mean=True)


def nansum(
    self: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> Result:
    """S with 0 for NaN, along dimensions."""
    if not self.is_floating_point():
        return NotImplemented
    return _reduced(Term.SUM, self.masked_fill(self.isnan(), 0.0), dim, keepdim, dtype)


def prod(self: Tensor, *, dtype: torch.dtype | None = None) -> Result:
    """The product of all elements."""
    return _reduced(Term.PRODUCT, self, None, False, dtype)


def prod_dim(self: Tensor, dim: int, keepdim: bool = False, *, dtype: torch.dtype | None = None) -> Result:
    """The product along a dimension."""
    return _reduced(Term.PRODUCT, self, (dim,), keepdim, dtype)


def _moments(
    self: Tensor, dim: Dims, correction: float | None, keepdim: bool, root: bool
) -> tuple[Tensor, Tensor] | None:
    """Variance (or its root) and mean, of float64, rounded to the type of `self`; None: torch's own."""
    if self.dtype not in COMPUTED:
        return None
    x = self.double()
    how = plan(x.shape, x.stride(), () if dim is None else tuple(dim))
    correction = 1 if correction is None else correction
    if how is None or how.n - correction <= 0:
        return None
    if how.order is not None:  # copied once for both passes
        x, how = x.permute(how.order).contiguous(), how._replace(order=None)
    mean = total(Term.SUM, x, how, keepdim=keepdim, divisor=how.n)
    var = total(Term.DEVIATIONS, x, how, keepdim=keepdim, m=mean, divisor=how.n - correction, root=root)
    return var.to(self.dtype), mean.to(self.dtype)


def var(self: Tensor, dim: Dims = None, *, correction: float | None = None, keepdim: bool = False) -> Result:
    """D(x - m, x - m) / (n - correction), m = S(x) / n, in float64, along dimensions."""
    both = _moments(self, dim, correction, keepdim, False)
    return NotImplemented if both is None else both[0]


def std(self: Tensor, dim: Dims = None, *, correction: float | None = None, keepdim: bool = False) -> Result:
    """The square root of `var`."""
    both = _moments(self, dim, correction, keepdim, True)
    return NotImplemented if both is None else both[0]


def var_mean(
    self: Tensor, dim: Dims = None, *, correction: float | None = None, keepdim: bool = False
) -> Result:
    """`var` and the mean."""
    both = _moments(self, dim, correction, keepdim, False)
    return NotImplemented if both is None else both


def std_mean(
    self: Tensor, dim: Dims = None, *, correction: float | None = None, keepdim: bool = False
) -> Result:
    """`std` and the mean."""
    both = _moments(self, dim, correction, keepdim, True)
    return NotImplemented if both is None else both


def vector_norm(
    self: Tensor,
    ord: float = 2,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> Result:
    """The norm of order `ord`, along dimensions; those of order inf and -inf are exact."""
    if ord == 2:
        return _reduced(Term.SQUARES, self, dim, keepdim, dtype, root=True)
    if ord == 1:
        return _reduced(Term.MAGNITUDES, self, dim, keepdim, dtype)
    if abs(ord) == float("inf") or not self.is_floating_point() or self.numel() == 0:
        return NotImplemented
    dtype = dtype or self.dtype
    computed = COMPUTED[dtype]
    x = self.to(dtype).to(computed)
    if ord == 0:
        return (x != 0).sum(() if dim is None else tuple(dim), keepdim).to(dtype)
    powers = _reduced(Term.SUM, x.abs().pow(ord), dim, keepdim, computed)
    return powers if powers is NotImplemented else powers.pow(1.0 / ord).to(dtype)


def dot(self: Tensor, tensor: Tensor) -> Result:
    """D(x, y) of two vectors."""
    dtype = self.dtype
    computed = COMPUTED.get(dtype)
    if computed is None or tensor.dtype is not dtype or self.dim() != 1 or self.shape != tensor.shape:
        return NotImplemented
    x, y = self.to(computed).contiguous(), tensor.to(computed).contiguous()
    how = plan(x.shape, x.stride(), ())
    if how is None or not tensor.is_cpu:
        return NotImplemented
    return total(Term.PRODUCTS, x, how, y=y).to(dtype)


def _extreme(term: Term, self: Tensor, dim: Dims, keepdim: bool = False) -> Result:
    return _reduced(term, self, dim, keepdim, None) if self.is_floating_point() else NotImplemented


def amax(self: Tensor, dim: Dims = (), keepdim: bool = False) -> Result:
    """The maximum along dimensions: NaN if one is, +0 of zeros of both signs."""
    return _extreme(Term.MAXIMUM, self, dim, keepdim)


def amin(self: Tensor, dim: Dims = (), keepdim: bool = False) -> Result:
    """The minimum along dimensions: NaN if one is, -0 of zeros of both signs."""
    return _extreme(Term.MINIMUM, self, dim, keepdim)


def largest(self: Tensor) -> Result:
    """`amax` of all elements."""
    return _extreme(Term.MAXIMUM, self, None)


def least(self: Tensor) -> Result:
    """`amin` of all elements."""
    return _extreme(Term.MINIMUM, self, None)


def aminmax(self: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Result:
    """`amin` and `amax`."""
    dims = None if dim is None else (dim,)
    low, high = amin(self, dims, keepdim), amax(self, dims, keepdim)
    return NotImplemented if low is NotImplemented else (low, high)


def aminmax_of_all(self: Tensor) -> Result:
    """`aminmax`, of all elements."""
    return aminmax(self)


def aminmax_along(self: Tensor, dim: int, keepdim: bool = False) -> Result:
    """`aminmax`, along a dimension."""
    return aminmax(self, dim=dim, keepdim=keepdim)


def trace(self: Tensor) -> Result:
    """S of the diagonal."""
    if self.dim() != 2:
        return NotImplemented
    return _reduced(Term.SUM, self.diagonal(), None, False, None)


_MAXIMUM = "the maximum: NaN if one is, +0 of zeros of both signs"
_MINIMUM = "the minimum: NaN if one is, -0 of zeros of both signs"

ROWS = (
    Defined("aten::sum", sum_all, "S(x)", variants=("aten::sum.out",)),
    Defined("aten::mean", mean_all, "S(x) / n", variants=("aten::mean.dtype_out",)),
    Defined("aten::sum.dim_IntList", sum_dim, "S(x)", variants=("aten::sum.IntList_out",)),
    Defined("aten::mean.dim", mean_dim, "S(x) / n", variants=("aten::mean.out",)),
    Defined("aten::nansum", nansum, "S(0 where x is NaN, else x)", variants=("aten::nansum.out",)),
    Defined("aten::prod", prod, "as S, with products"),
    Defined("aten::prod.dim_int", prod_dim, "as S, with products", variants=("aten::prod.int_out",)),
    Defined(
        "aten::var.correction",
        var,
        "D(x - m, x - m) / (n - correction), m = S(x) / n, in float64",
        variants=("aten::var.correction_out",),
    ),
    Defined("aten::var_mean.correction", var_mean, "var, m"),
    Defined("aten::std.correction", std, "sqrt(var)", variants=("aten::std.correction_out",)),
    Defined("aten::std_mean.correction", std_mean, "sqrt(var), m"),
    Defined(
        "aten::linalg_vector_norm",
        vector_norm,
        "2: sqrt(D(x, x)); 1: S(|x|); p: pow(S(pow(|x|, p)), 1 / p)",
        variants=("aten::linalg_vector_norm.out",),
    ),
    Defined("aten::amax", amax, _MAXIMUM, variants=("aten::amax.out",)),
    Defined("aten::amin", amin, _MINIMUM, variants=("aten::amin.out",)),
    Defined("aten::max", largest, _MAXIMUM, variants=("aten::max.unary_out",)),
    Defined("aten::min", least, _MINIMUM, variants=("aten::min.unary_out",)),
    Defined("aten::aminmax", aminmax, "amin, amax", variants=("aten::aminmax.out",)),
    Defined("aten::_aminmax", aminmax_of_all, "amin, amax"),
    Defined("aten::_aminmax.dim", aminmax_along, "amin, amax"),
    Defined("aten::dot", dot, "D(x, y)", variants=("aten::dot.out",)),
    Defined("aten::vdot", dot, "D(x, y)", variants=("aten::vdot.out",)),
    Defined("aten::trace", trace, "S of the diagonal", variants=("aten::trace.out",)),
)
