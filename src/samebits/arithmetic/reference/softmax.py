"""Softmax and its logarithm, along the last axis of float32 or float64 arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits.arithmetic.reference import functions, wide
from samebits.arithmetic.reference.rounding import fma
from samebits.arithmetic.reference.sums import dot, sum_of

Array = NDArray[Any]


def exp(x: Array) -> Array:
    """exp(x), of float32 or float64."""
    return wide.exp(x) if x.dtype == np.float64 else functions.exp(x)


def log(x: Array) -> Array:
    """log(x), of float32 or float64."""
    return wide.log(x) if x.dtype == np.float64 else functions.log(x)


def softmax(x: Array) -> Array:
    """e / S(e), e = exp(x - max(x)): (..., n) -> (..., n)."""
    with np.errstate(all="ignore"):
        e = exp(x - x.max(-1, keepdims=True))
        result: Array = e / sum_of(e)[..., None]
        return result


def log_softmax(x: Array) -> Array:
    """(x - m) - log(S(exp(x - m))), m = max(x): (..., n) -> (..., n)."""
    with np.errstate(all="ignore"):
        d = x - x.max(-1, keepdims=True)
        result: Array = d - log(sum_of(exp(d)))[..., None]
        return result


def softmax_backward(grad: Array, y: Array) -> Array:
    """y * (g - D(g, y)), y a result of softmax and g its gradient."""
    with np.errstate(all="ignore"):
        result: Array = y * (grad - dot(grad, y)[..., None])
        return result


def log_softmax_backward(grad: Array, y: Array) -> Array:
    """fma(-exp(y), S(g), g), y a result of log_softmax and g its gradient."""
    return fma(-exp(y), sum_of(grad)[..., None], grad)
