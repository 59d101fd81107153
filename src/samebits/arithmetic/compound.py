"""Operations of a product and a sum: what is fused is fused in every element.

torch's vectors fuse them, and the elements that fill no vector are computed otherwise.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor

from samebits.arithmetic.elementwise import Loop, Prepared, Scalar, rows

_add, _addcmul, _addcdiv = Loop("add"), Loop("addcmul"), Loop("addcdiv")
_lerp, _lerp_scalar = Loop("lerp"), Loop("lerp_scalar")


def _exact(*inputs: Tensor) -> bool:
    """Of integers.  (Complex numbers are refused by the loop.)"""
    return not any(x.is_floating_point() for x in inputs)


def _sum(self: Tensor, other: Tensor, *, alpha: Scalar = 1) -> Prepared:
    if alpha == 1 or _exact(self, other) or isinstance(alpha, complex):
        return NotImplemented
    return _add, (self, other), (float(alpha),)


def _difference(self: Tensor, other: Tensor, *, alpha: Scalar = 1) -> Prepared:
    if alpha == 1 or _exact(self, other) or isinstance(alpha, complex):
        return NotImplemented
    return _add, (self, other), (-float(alpha),)


def _product_added(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = 1) -> Prepared:
    if _exact(self, tensor1, tensor2):
        return NotImplemented
    return _addcmul, (self, tensor1, tensor2), (float(value),)


def _quotient_added(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = 1) -> Prepared:
    if _exact(self, tensor1, tensor2):
        return NotImplemented
    return _addcdiv, (self, tensor1, tensor2), (float(value),)


def _between(self: Tensor, end: Tensor, weight: Scalar) -> Prepared:
    if self.dtype != end.dtype or isinstance(weight, complex):
        return NotImplemented
    return _lerp_scalar, (self, end), (float(weight),)


def _between_tensors(self: Tensor, end: Tensor, weight: Tensor) -> Prepared:
    if self.dtype != end.dtype or self.dtype != weight.dtype:
        return NotImplemented
    return _lerp, (self, end, weight), ()


_LERP: Final = "fma(w, end - self, self) for |w| < 1/2, else fma(w - 1, end - self, end)"

ROWS: Final = (
    *rows("aten::add.Tensor", _sum, "fma(alpha, other, self)"),
    *rows("aten::sub.Tensor", _difference, "fma(-alpha, other, self)"),
    *rows("aten::addcmul", _product_added, "fma(value tensor1, tensor2, self)"),
    *rows("aten::addcdiv", _quotient_added, "self + (value tensor1) / tensor2"),
    *rows("aten::lerp.Scalar", _between, _LERP, out="Scalar_out"),
    *rows("aten::lerp.Tensor", _between_tensors, _LERP, out="Tensor_out"),
)
