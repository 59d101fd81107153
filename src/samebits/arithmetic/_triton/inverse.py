"""Hyperbolic functions and inverse functions in Triton, of a float64: the formulas of reference/inverse.py.

Of a float32 they are rounded to float32 at the end.
"""

from __future__ import annotations

import triton.language as tl

import triton
from samebits.arithmetic._triton import functions, wide
from samebits.arithmetic._triton.angles import PI, PIO2
from samebits.arithmetic._triton.numbers import negative
from samebits.arithmetic._triton.wide import LN2_HI, bits, horner, magnitude, number, with_sign
from samebits.arithmetic.reference import coefficients

ATAN = tl.constexpr(coefficients.ATAN_D)
ERFINV = tl.constexpr(coefficients.ERFINV)
ERFINV_TAIL = tl.constexpr(coefficients.ERFINV_TAIL)
ROOT_PI_HALF = tl.constexpr(float.fromhex("0x1.c5bf891b4ef6bp-1"))
PIO4 = tl.constexpr(float.fromhex("0x1.921fb54442d18p-1"))
TAN_PIO8 = tl.constexpr(float.fromhex("0x1.a827999fcef32p-2"))
HUGE = tl.constexpr(float.fromhex("0x1p500"))


@triton.jit
def half_exp(a):
    """exp(a) / 2, also where exp(a) is too large"""
    half = wide.exp(0.5 * a)
    return tl.where(a > 700.0, (0.5 * half) * half, 0.5 * wide.exp(a))


@triton.jit
def sinh(x):
    a = magnitude(x)
    t = wide.expm1(tl.where(a > 700.0, number(x, 700.0), a))
    return with_sign(tl.where(a > 700.0, half_exp(a), 0.5 * (t + t / (t + 1.0))), x)


@triton.jit
def cosh(x):
    e = half_exp(magnitude(x))
    return e + number(x, 0.25) / e


@triton.jit
def asinh(x):
    a = magnitude(x)
    square = a * a
    near = wide.log1p(a + square / (1.0 + tl.sqrt(square + 1.0)))
    return with_sign(tl.where(a > HUGE, wide.log(a) + LN2_HI, near), x)


@triton.jit
def acosh(x):
    t = x - 1.0
    near = wide.log1p(t + tl.sqrt(t * (t + 2.0)))
    return tl.where(x < 1.0, float("nan"), tl.where(x > HUGE, wide.log(x) + LN2_HI, near))


@triton.jit
def atanh(x):
    a = magnitude(x)
    return with_sign(0.5 * wide.log1p((a + a) / (1.0 - a)), x)


@triton.jit
def atan_unit(t):
    """atan(t), 0 <= t <= 1"""
    far = t > TAN_PIO8
    s = tl.where(far, (t - 1.0) / (t + 1.0), t)
    z = s * s
    value = tl.fma(s * z, horner(z, ATAN, 11), s)
    return tl.where(far, PIO4 + value, value)


@triton.jit
def atan(x):
    a = magnitude(x)
    value = atan_unit(tl.where(a > 1.0, number(x, 1.0) / a, a))
    return with_sign(tl.where(a > 1.0, PIO2 - value, value), x)


@triton.jit
def asin(x):
    return atan(x / tl.sqrt((1.0 - x) * (1.0 + x)))


@triton.jit
def acos(x):
    return 2.0 * atan(tl.sqrt((1.0 - x) / (1.0 + x)))


@triton.jit
def atan2(y, x):
    a, b = magnitude(x), magnitude(y)
    most, least = tl.where(a > b, a, b), tl.where(a > b, b, a)
    quotient = tl.where(least == most, 1.0, least / most)
    value = atan_unit(tl.where(most == 0.0, 0.0, quotient))
    upper = tl.where(b > a, PIO2 - value, value)
    turned = tl.where(bits(x) < 0, PI - upper, upper)
    return tl.where((x != x) | (y != y), float("nan"), with_sign(turned, y))


@triton.jit
def hypot(x, y):
    """Of float32, whose squares are exact in float64, or of float64."""
    if x.dtype == tl.float64:
        a, b = magnitude(x), magnitude(y)
        most, least = tl.where(a > b, a, b), tl.where(a > b, b, a)
        ratio = least / most
        value = most * tl.sqrt(tl.fma(ratio, ratio, number(x, 1.0)))
        value = tl.where((x != x) | (y != y), float("nan"), tl.where(most == 0.0, most, value))
    else:
        a, b = magnitude(x.to(tl.float64)), magnitude(y.to(tl.float64))
        value = tl.sqrt(a * a + b * b).to(tl.float32)
    return tl.where((a == float("inf")) | (b == float("inf")), float("inf"), value)


@triton.jit
def logaddexp(x, y):
    """log(exp(x) + exp(y))"""
    most, least = tl.where(x > y, x, y), tl.where(x > y, y, x)
    if x.dtype == tl.float64:
        value = most + wide.log1p(wide.exp(least - most))
    else:
        value = most + functions.log1p(functions.exp(least - most))
    same = (x == y) & ((x == float("inf")) | (x == float("-inf")))
    return tl.where(same, x, tl.where((x != x) | (y != y), float("nan"), value))


@triton.jit
def erfinv_near(x):
    """erfinv(x) to 3e-9 of it"""
    a = magnitude(x)
    w = negative(wide.log((1.0 - a) * (1.0 + a)))
    q = tl.where(w > 6.0, horner(tl.sqrt(w) - 4.0, ERFINV_TAIL, 13), horner(w - 3.0, ERFINV, 13))
    return tl.where(a > 1.0, float("nan"), tl.where(a == 1.0, x * float("inf"), x * q))


@triton.jit
def erfinv(x):
    """Of a float32, rounded from that, or of a float64, with one step of Newton's."""
    if x.dtype == tl.float64:
        a = magnitude(x)
        y = erfinv_near(a)
        lost = tl.where(a < 0.5, wide.erf(y) - a, (1.0 - a) - wide.erfc(y))
        value = tl.fma(negative(lost * ROOT_PI_HALF), wide.exp(y * y), y)
        result = with_sign(tl.where(a < 1.0, value, y), x)
    else:
        result = erfinv_near(x.to(tl.float64)).to(tl.float32)
    return result


@triton.jit
def of_one(NAME: tl.constexpr, x):
    """By name; of a float64."""
    if NAME == "sinh":
        y = sinh(x)
    elif NAME == "cosh":
        y = cosh(x)
    elif NAME == "asinh":
        y = asinh(x)
    elif NAME == "acosh":
        y = acosh(x)
    elif NAME == "atanh":
        y = atanh(x)
    elif NAME == "atan":
        y = atan(x)
    elif NAME == "asin":
        y = asin(x)
    else:
        y = acos(x)
    return y
