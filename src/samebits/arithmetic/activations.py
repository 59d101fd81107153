"""Activations and their derivatives."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from samebits.arithmetic.elementwise import Loop, Prepared, Scalar, rows, unary, written
from samebits.arithmetic.rows import Defined

_GELU: Final = {"none": Loop("gelu"), "tanh": Loop("gelu_tanh")}
_GELU_BACKWARD: Final = {"none": Loop("gelu_backward"), "tanh": Loop("gelu_tanh_backward")}
_tanh_backward, _sigmoid_backward = Loop("tanh_backward"), Loop("sigmoid_backward")
_silu_backward, _mish_backward = Loop("silu_backward"), Loop("mish_backward")
_softplus, _softplus_backward = Loop("softplus"), Loop("softplus_backward")
_logsigmoid, _logsigmoid_backward = Loop("logsigmoid"), Loop("logsigmoid_backward")
_elu, _elu_backward, _elu_backward_of_result = (
    Loop("elu"),
    Loop("elu_backward"),
    Loop("elu_backward_of_result"),
)
_hardswish_backward, _logit_backward = Loop("hardswish_backward"), Loop("logit_backward")
_hardsigmoid_backward: Final = Loop("hardsigmoid_backward")
_glu, _glu_backward = Loop("glu"), Loop("glu_backward")


def _gelu(self: Tensor, *, approximate: str = "none") -> Prepared:
    loop = _GELU.get(approximate)
    return NotImplemented if loop is None else (loop, (self,), ())


def _gelu_slope(grad: Tensor, self: Tensor, *, approximate: str = "none") -> Prepared:
    loop = _GELU_BACKWARD.get(approximate)
    return NotImplemented if loop is None else (loop, (grad, self), ())


def _slope(loop: Loop) -> Any:
    def prepare(grad: Tensor, other: Tensor) -> Prepared:
        return loop, (grad, other), ()

    return prepare


def _soft(self: Tensor, beta: Scalar = 1, threshold: Scalar = 20) -> Prepared:
    return _softplus, (self,), (beta, threshold)


def _soft_slope(grad: Tensor, self: Tensor, beta: Scalar, threshold: Scalar) -> Prepared:
    return _softplus_backward, (grad, self), (beta, threshold)


def _exponential(self: Tensor, alpha: Scalar = 1, scale: Scalar = 1, input_scale: Scalar = 1) -> Prepared:
    return _elu, (self,), (alpha * scale, scale, input_scale)


def _exponential_slope(
    grad: Tensor, alpha: Scalar, scale: Scalar, input_scale: Scalar, is_result: bool, other: Tensor
) -> Prepared:
    if is_result and alpha < 0:
        return NotImplemented  # torch says what is wrong
    loop = _elu_backward_of_result if is_result else _elu_backward
    return loop, (grad, other), (alpha * scale, scale, input_scale)


def log_sigmoid_forward(self: Tensor) -> tuple[Tensor, Tensor]:
    """min(x, 0) - log(1 + exp(-|x|)), and an empty tensor: the derivative needs no more than x."""
    result = _logsigmoid((self,))
    return result if result is NotImplemented else (result, self.new_empty(0))


def log_sigmoid_forward_output(self: Tensor, *, output: Tensor, buffer: Tensor) -> tuple[Tensor, Tensor]:
    """`log_sigmoid_forward` into `output`."""
    result = _logsigmoid((self,), (), output)
    return result if result is NotImplemented else (result, buffer)


def _logsigmoid_slope(grad: Tensor, self: Tensor, buffer: Tensor) -> Prepared:
    return _logsigmoid_backward, (grad, self), ()


def _logit_slope(grad: Tensor, self: Tensor, eps: float | None = None) -> Prepared:
    return _logit_backward, (grad, self), (-1.0 if eps is None else eps,)


def _halves(self: Tensor, dim: int) -> tuple[Tensor, Tensor] | None:
    if self.dim() == 0 or not -self.dim() <= dim < self.dim() or self.shape[dim] % 2:
        return None  # torch says what is wrong
    first, second = self.chunk(2, dim) if self.shape[dim] else (self, self)
    return first.contiguous(), second.contiguous()


def _gated(self: Tensor, dim: int = -1) -> Prepared:
    halves = _halves(self, dim)
    return NotImplemented if halves is None else (_glu, halves, ())


def glu_backward(grad_output: Tensor, self: Tensor, dim: int) -> Any:
    """Of a sigmoid(b): g sigmoid(b), and ((g a) sigmoid(b)) sigmoid(-b)."""
    halves = _halves(self, dim)
    if halves is None:
        return NotImplemented
    grad, (a, b) = grad_output.contiguous(), halves
    return torch.cat((_glu((grad, b)), _glu_backward((grad, a, b))), dim)


def glu_backward_out(grad_output: Tensor, self: Tensor, dim: int, *, grad_input: Tensor) -> Any:
    """`glu_backward` into `grad_input`."""
    return written(grad_input, glu_backward(grad_output, self, dim))


def _backward(schema: str, prepare: Any, formula: str, out: bool = True) -> tuple[Defined, ...]:
    return rows(schema, prepare, formula, False, "grad_input" if out else None, "grad_input")


_ELU: Final = "x scale, or expm1(x input_scale) (alpha scale) for x <= 0"

ROWS: Final = (
    *rows("aten::tanh", unary("tanh"), "the function to 1 ulp"),
    *rows("aten::sigmoid", unary("sigmoid"), "the function to 1 ulp"),
    *rows("aten::gelu", _gelu, "x Phi(x), or x sigmoid(c x + d x**3)"),
    *rows("aten::silu", unary("silu"), "x sigmoid(x)"),
    *rows("aten::mish", unary("mish"), "x tanh(log(1 + exp(x)))"),
    *rows("aten::softplus", _soft, "log(1 + exp(beta x)) / beta, x above the threshold", inplace=False),
    *rows("aten::elu", _exponential, _ELU),
    *rows("aten::glu", _gated, "a sigmoid(b)", inplace=False),
    Defined("aten::log_sigmoid_forward", log_sigmoid_forward, "min(x, 0) - log(1 + exp(-|x|))"),
    Defined("aten::log_sigmoid_forward.output", log_sigmoid_forward_output, "as log_sigmoid_forward"),
    *_backward("aten::tanh_backward", _slope(_tanh_backward), "g fma(-y, y, 1)"),
    *_backward("aten::sigmoid_backward", _slope(_sigmoid_backward), "(g (1 - y)) y"),
    *_backward("aten::gelu_backward", _gelu_slope, "g times the derivative"),
    *_backward("aten::silu_backward", _slope(_silu_backward), "g (s fma(x, sigmoid(-x), 1)), s = sigmoid(x)"),
    *_backward("aten::mish_backward", _slope(_mish_backward), "g times the derivative", out=False),
    *_backward("aten::softplus_backward", _soft_slope, "g sigmoid(beta x), g above the threshold"),
    *_backward("aten::elu_backward", _exponential_slope, "g times the derivative"),
    *_backward("aten::log_sigmoid_backward", _logsigmoid_slope, "g sigmoid(-x)"),
    *rows("aten::hardsigmoid", unary("hardsigmoid"), "(x + 3 within 0 and 6) / 6"),
    *_backward("aten::hardsigmoid_backward", _slope(_hardsigmoid_backward), "g / 6 between -3 and 3, else 0"),
    *rows("aten::hardswish", unary("hardswish"), "x hardsigmoid(x)"),
    *_backward(
        "aten::hardswish_backward", _slope(_hardswish_backward), "g (x / 3 + 1/2) within -3 and 3", out=False
    ),
    *_backward("aten::logit_backward", _logit_slope, "g / (x (1 - x)); 0 outside of eps and 1 - eps"),
    Defined("aten::glu_backward", glu_backward, "g s, ((g a) s) sigmoid(-b), s = sigmoid(b)"),
    Defined("aten::glu_backward.grad_input", glu_backward_out, "as glu_backward"),
)
