"""Choices between numbers, whole quotients, hard activations: the definition of native/choices.h.

Of arrays of float32 or float64; the result has their type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits.arithmetic.reference.rounding import fma

Array = NDArray[Any]


def _bits(a: Array, b: Array, join: Callable[[Array, Array], Array]) -> Array:
    whole = f"i{a.itemsize}"
    return join(a.view(whole), b.view(whole)).view(a.dtype)


def maximum(a: Array, b: Any) -> Array:
    """The larger; NaN if either is; +0 of zeros of both signs."""
    a, b = np.broadcast_arrays(a, np.asarray(b, a.dtype))
    larger = np.where(a > b, a, b)
    return np.where(a != a, a, np.where(a == b, _bits(a, b, np.bitwise_and), larger))


def minimum(a: Array, b: Any) -> Array:
    """The smaller; NaN if either is; -0 of zeros of both signs."""
    a, b = np.broadcast_arrays(a, np.asarray(b, a.dtype))
    smaller = np.where(a < b, a, b)
    return np.where(a != a, a, np.where(a == b, _bits(a, b, np.bitwise_or), smaller))


def fmax(a: Array, b: Array) -> Array:
    """`maximum`, or the other for NaN."""
    return np.where(b != b, a, np.where(a != a, b, maximum(a, b)))


def fmin(a: Array, b: Array) -> Array:
    """`minimum`, or the other for NaN."""
    return np.where(b != b, a, np.where(a != a, b, minimum(a, b)))


def clamp(a: Array, low: Any, high: Any) -> Array:
    """`a`, no less than `low`, then no more than `high`."""
    return minimum(maximum(a, low), high)


def amax(a: Array) -> Array:
    """The maximum along the last dimension; any order gives it."""
    result = a[..., 0]
    for i in range(1, a.shape[-1]):
        result = maximum(result, a[..., i])
    return result


def amin(a: Array) -> Array:
    """The minimum along the last dimension."""
    result = a[..., 0]
    for i in range(1, a.shape[-1]):
        result = minimum(result, a[..., i])
    return result


def relu(a: Array) -> Array:
    """maximum(a, +0)"""
    return maximum(a, 0.0)


def softshrink(a: Array, width: float) -> Array:
    """Towards 0 by a width, +0 within it; NaN stays."""
    by = a.dtype.type(width)
    return np.where(a > by, a - by, np.where(a < -by, a + by, np.where(a != a, a, a.dtype.type(0))))


def hardsigmoid(a: Array) -> Array:
    """(a + 3, between +0 and 6) / 6"""
    one = a.dtype.type
    result: Array = clamp(a + one(3), 0.0, 6.0) / one(6)
    return result


def hardsigmoid_backward(grad: Array, a: Array) -> Array:
    """grad / 6 between -3 and 3, else +0"""
    zero, six = a.dtype.type(0), a.dtype.type(6)
    result: Array = np.where((a > -3) & (a < 3), grad / six, zero)
    return result


def hardswish(a: Array) -> Array:
    """a hardsigmoid(a)"""
    result: Array = a * hardsigmoid(a)
    return result


def div_floor(a: Array, b: Array) -> Array:
    """floor of the exact quotient below 2**24 (float64: 2**53), from there on a / b; NaN for infinite a.

    The rounding of a / b may have reached the next integer: the remainder's sign tells.
    """
    one = a.dtype.type
    most = one(2.0 ** (24 if a.itemsize == 4 else 53))
    q = a / b
    whole = np.floor(q)
    rest = np.where(whole == 0, a, fma(-whole, b, a))
    above = (rest != 0) & ((rest < 0) != (b < 0)) & (np.abs(whole) < most)
    return np.where(np.isinf(a) & (b != 0), one(np.nan), np.where(above, whole - one(1), whole))


def div_trunc(a: Array, b: Array) -> Array:
    """a / b, rounded, without its fraction."""
    return np.trunc(a / b)
