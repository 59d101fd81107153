"""Bounds, and the larger and smaller of numbers: one rule for NaN and for zeros of both signs.

torch's kernels give another sign of zero in vectors than in what fills none, and others on other devices.
Here `maximum` is NaN if either number is, and +0 of zeros of both signs; `minimum` is -0 then.  All bounds
are made of these two.  The maximum of many numbers is the same in any order: `reductions.amax`.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from samebits.arithmetic.elementwise import Loop, Prepared, Scalar, of_two, rows, unary
from samebits.arithmetic.rows import Defined

_AT_LEAST, _AT_MOST, _WITHIN = Loop("clamp_min"), Loop("clamp_max"), Loop("clamp_numbers")
_MAXIMUM, _MINIMUM, _WITHIN_TENSORS = Loop("maximum"), Loop("minimum"), Loop("clamp")
_SOFTSHRINK: Final = Loop("softshrink")


def _bounded(self: Tensor, min: Scalar | None = None, max: Scalar | None = None) -> Prepared:
    bounds = tuple(bound for bound in (min, max) if bound is not None)
    if not bounds or any(isinstance(bound, complex) for bound in bounds):
        return NotImplemented
    if not self.is_floating_point():
        if not any(isinstance(bound, float) for bound in bounds):
            return NotImplemented
        self = self.to(torch.result_type(self, 0.5))
    loop = _WITHIN if len(bounds) == 2 else _AT_MOST if min is None else _AT_LEAST
    return loop, (self,), tuple(map(float, bounds))


def _at_least(self: Tensor, min: Scalar) -> Prepared:
    return _bounded(self, min)


def _at_most(self: Tensor, max: Scalar) -> Prepared:
    return _bounded(self, None, max)


def _hard(self: Tensor, min_val: Scalar = -1, max_val: Scalar = 1) -> Prepared:
    return _bounded(self, min_val, max_val) if self.is_floating_point() else NotImplemented


def _bounded_by_tensors(self: Tensor, min: Tensor | None = None, max: Tensor | None = None) -> Prepared:
    inputs = tuple(x for x in (self, min, max) if x is not None)
    if len(inputs) == 1 or not any(x.is_floating_point() for x in inputs):
        return NotImplemented
    loop = _WITHIN_TENSORS if len(inputs) == 3 else _MINIMUM if min is None else _MAXIMUM
    return loop, inputs, ()


def _least_of_tensor(self: Tensor, min: Tensor) -> Prepared:
    return _bounded_by_tensors(self, min)


def _most_of_tensor(self: Tensor, max: Tensor) -> Prepared:
    return _bounded_by_tensors(self, None, max)


_rectified: Final = unary("relu")


def _relu(self: Tensor) -> Prepared:
    return _rectified(self) if self.is_floating_point() else NotImplemented


def _shrunk(self: Tensor, lambd: Scalar = 0.5) -> Prepared:
    if not self.is_floating_point() or lambd < 0:
        return NotImplemented
    return _SOFTSHRINK, (self,), (float(lambd),)


def _chosen(name: str, formula: str) -> tuple[Defined, ...]:
    prepare: Any = of_two(name, exact=True)
    return rows(f"aten::{name}", prepare, formula, inplace=False)


_BOUNDED: Final = "minimum(maximum(x, min), max)"

ROWS: Final = (
    *_chosen("maximum", "the larger; NaN if either is; +0 of zeros of both signs"),
    *_chosen("minimum", "the smaller; NaN if either is; -0 of zeros of both signs"),
    *_chosen("fmax", "maximum(a, b), or the other for NaN"),
    *_chosen("fmin", "minimum(a, b), or the other for NaN"),
    *rows("aten::relu", _relu, "maximum(x, +0)", out=None),
    *rows("aten::clamp", _bounded, _BOUNDED),
    *rows("aten::clamp_min", _at_least, "maximum(x, min)"),
    *rows("aten::clamp_max", _at_most, "minimum(x, max)"),
    *rows("aten::hardtanh", _hard, _BOUNDED),
    *rows("aten::clamp.Tensor", _bounded_by_tensors, _BOUNDED, out="Tensor_out"),
    *rows("aten::clamp_min.Tensor", _least_of_tensor, "maximum(x, min)", out="Tensor_out"),
    *rows("aten::clamp_max.Tensor", _most_of_tensor, "minimum(x, max)", out="Tensor_out"),
    *rows("aten::softshrink", _shrunk, "x - l above l, x + l below -l, +0 within", inplace=False),
)
