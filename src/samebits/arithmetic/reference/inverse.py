"""Hyperbolic functions and inverse functions: the definition of native/inverse.h, in float64.

Of float32 numbers they are computed in float64 and rounded, except `logaddexp`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits.arithmetic.reference import coefficients as c
from samebits.arithmetic.reference.wide import LN2, PIO2, erf, erfc, exp, expm1, fma, horner, log, log1p

Array = NDArray[Any]

PI, PIO4, TAN_PIO8 = 2 * PIO2, PIO2 / 2, np.float64(float.fromhex("0x1.a827999fcef32p-2"))
ROOT_PI_HALF = np.float64(float.fromhex("0x1.c5bf891b4ef6bp-1"))


def half_exp(a: Array) -> Array:
    """exp(a) / 2, also where exp(a) is too large."""
    half = exp(0.5 * a)
    return np.where(a > 700, (0.5 * half) * half, 0.5 * exp(a))


def sinh(x: Array) -> Array:
    """sinh(x)"""
    a = np.abs(x)
    t = expm1(np.where(a > 700, 700.0, a))
    return np.copysign(np.where(a > 700, half_exp(a), 0.5 * (t + t / (t + 1.0))), x)


def cosh(x: Array) -> Array:
    """cosh(x)"""
    e = half_exp(np.abs(x))
    return e + 0.25 / e


def asinh(x: Array) -> Array:
    """asinh(x)"""
    a = np.abs(x)
    square = a * a
    near = log1p(a + square / (1.0 + np.sqrt(square + 1.0)))
    return np.copysign(np.where(a > 2.0**500, log(a) + LN2, near), x)


def acosh(x: Array) -> Array:
    """acosh(x)"""
    t = x - 1.0
    near = log1p(t + np.sqrt(t * (t + 2.0)))
    return np.where(x < 1, np.nan, np.where(x > 2.0**500, log(x) + LN2, near))


def atanh(x: Array) -> Array:
    """atanh(x)"""
    a = np.abs(x)
    return np.copysign(0.5 * log1p((a + a) / (1.0 - a)), x)


def atan_unit(t: Array) -> Array:
    """atan(t), 0 <= t <= 1"""
    far = t > TAN_PIO8
    s = np.where(far, (t - 1.0) / (t + 1.0), t)
    z = s * s
    value = fma(s * z, horner(z, c.ATAN_D), s)
    return np.where(far, PIO4 + value, value)


def atan(x: Array) -> Array:
    """atan(x)"""
    a = np.abs(x)
    value = atan_unit(np.where(a > 1, 1.0 / a, a))
    return np.copysign(np.where(a > 1, PIO2 - value, value), x)


def asin(x: Array) -> Array:
    """asin(x)"""
    return atan(x / np.sqrt((1.0 - x) * (1.0 + x)))


def acos(x: Array) -> Array:
    """acos(x)"""
    return 2.0 * atan(np.sqrt((1.0 - x) / (1.0 + x)))


def atan2(y: Array, x: Array) -> Array:
    """The angle of (x, y)."""
    a, b = np.abs(x), np.abs(y)
    most, least = np.where(a > b, a, b), np.where(a > b, b, a)
    quotient = np.where(least == most, 1.0, least / most)
    value = atan_unit(np.where(most == 0, 0.0, quotient))
    upper = np.where(b > a, PIO2 - value, value)
    turned = np.copysign(np.where(np.signbit(x), PI - upper, upper), y)
    return np.where(np.isnan(x) | np.isnan(y), np.nan, turned)


def hypot(x: Array, y: Array) -> Array:
    """sqrt(x**2 + y**2)"""
    a, b = np.abs(x), np.abs(y)
    most, least = np.where(a > b, a, b), np.where(a > b, b, a)
    ratio = least / most
    value = np.where(most == 0, most, most * np.sqrt(fma(ratio, ratio, 1.0)))
    value = np.where(np.isnan(x) | np.isnan(y), np.nan, value)
    return np.where((a == np.inf) | (b == np.inf), np.inf, value)


def hypot_single(x: Array, y: Array) -> Array:
    """Of float32 numbers."""
    a, b = x.astype(np.float64), y.astype(np.float64)
    value = np.sqrt(a * a + b * b).astype(np.float32)
    return np.where(np.isinf(x) | np.isinf(y), np.float32(np.inf), value)


def logaddexp(x: Array, y: Array, module: Any) -> Array:
    """log(exp(x) + exp(y)), with the functions of `module`, functions or wide."""
    most, least = np.where(x > y, x, y), np.where(x > y, y, x)
    value = most + module.log1p(module.exp(least - most))
    value = np.where(np.isnan(x) | np.isnan(y), np.nan, value).astype(x.dtype)
    return np.where((x == y) & np.isinf(x), x, value)


def erfinv_near(x: Array) -> Array:
    """erfinv(x) to 3e-9 of it, from which float32 is rounded."""
    a = np.abs(x)
    w = -log((1.0 - a) * (1.0 + a))
    root = np.sqrt(w)
    value = x * np.where(w > 6, horner(root - 4.0, c.ERFINV_TAIL), horner(w - 3.0, c.ERFINV))
    return np.where(a > 1, np.nan, np.where(a == 1, x * np.inf, value))


def erfinv(x: Array) -> Array:
    """One step of Newton's from there."""
    a = np.abs(x)
    y = erfinv_near(a)
    lost = np.where(a < 0.5, erf(y) - a, (1.0 - a) - erfc(y))
    value = fma(-(lost * ROOT_PI_HALF), exp(y * y), y)
    return np.copysign(np.where(a < 1, value, y), x)
