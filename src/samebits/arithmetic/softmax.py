"""Softmax and its logarithm, forward and backward."""

from __future__ import annotations

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
    """In the order of native/softmax.h."""

    SOFTMAX = 0
    LOG_SOFTMAX = 1
    SOFTMAX_BACKWARD = 2
    LOG_SOFTMAX_BACKWARD = 3


def _along(kind: _Kind, x: Tensor, grad: Tensor | None, dim: int, dtype: torch.dtype) -> Result:
    """The result in `dtype`, contiguous."""
    computed = COMPUTED.get(x.dtype)
    rank = x.dim()
    if computed is None or x.numel() == 0 or not -max(rank, 1) <= dim < max(rank, 1):
        return NotImplemented
    x = (x if x.dtype is computed else x.to(computed)).contiguous()
    if grad is not None:
        grad = (grad if grad.dtype is computed else grad.to(computed)).contiguous()
    out = x.new_empty(x.shape)
    dim = dim % rank if rank else 0
    if not x.is_cpu:
        from samebits.arithmetic._triton import softmax as on_cuda

        return on_cuda.of_kind(kind, x, grad, dim).to(dtype)
    shape = x.shape or (1,)
    n, i = shape[dim], prod(shape[dim + 1 :])
    core.bound("sb_softmax_along", "iipppnnni")(
        kind,
        core.DTYPES[computed],
        x.data_ptr(),
        None if grad is None else grad.data_ptr(),
        out.data_ptr(),
        x.numel() // (n * i),
        n,
        i,
        core.threads(),
    )
    return out if dtype is computed else out.to(dtype)


def _forward(kind: _Kind, x: Tensor, dim: int, half_to_float: bool) -> Result:
    if half_to_float and x.dtype is not torch.float16 and x.dtype is not torch.bfloat16:
        return NotImplemented  # torch says that it cannot
    return _along(kind, x, None, dim, torch.float32 if half_to_float else x.dtype)


def softmax(self: Tensor, dim: int, half_to_float: bool) -> Result:
    """e / S(e), e = exp(x - max(x)), along a dimension."""
    return _forward(_Kind.SOFTMAX, self, dim, half_to_float)


def log_softmax(self: Tensor, dim: int, half_to_float: bool) -> Result:
    """(x - m) - log(S(exp(x - m))), m = max(x), along a dimension."""
    return _forward(_Kind.LOG_SOFTMAX, self, dim, half_to_float)


def softmax_backward(grad_output: Tensor, output: Tensor, dim: int, input_dtype: torch.dtype) -> Result:
    """y (g - D(g, y)), y the result of softmax and g its gradient."""
    return _along(_Kind.SOFTMAX_BACKWARD, output, grad_output, dim, input_dtype)


def log_softmax_backward(grad_output: Tensor, output: Tensor, dim: int, input_dtype: torch.dtype) -> Result:
    """fma(-exp(y), S(g), g), y the result of log_softmax and g its gradient."""
    return _along(_Kind.LOG_SOFTMAX_BACKWARD, output, grad_output, dim, input_dtype)


ROWS = (
    Defined("aten::_softmax", softmax, "e / S(e), e = exp(x - max(x))", variants=("aten::_softmax.out",)),
    Defined(
        "aten::_log_softmax",
        log_softmax,
        "(x - m) - log(S(exp(x - m))), m = max(x)",
        variants=("aten::_log_softmax.out",),
    ),
    Defined(
        "aten::_softmax_backward_data",
        softmax_backward,
        "y * (g - D(g, y))",
        variants=("aten::_softmax_backward_data.out",),
    ),
    Defined(
        "aten::_log_softmax_backward_data",
        log_softmax_backward,
        "fma(-exp(y), S(g), g)",
        variants=("aten::_log_softmax_backward_data.out",),
    ),
)
