"""Sine, cosine, tangent and powers: the definition of native/trigonometric.h.

Of float32 numbers they are computed in float64, with shorter polynomials, and rounded.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from samebits.arithmetic.reference import coefficients as c
from samebits.arithmetic.reference.wide import (
    LOG2E,
    LOG2E_LOW,
    NEAR,
    PIO2,
    PIO2_LAST,
    PIO2_LOW,
    TWO_OVER_PI,
    bits,
    clamped,
    fma,
    horner,
    mantissa,
    nearest,
    scaled,
)

Array = NDArray[Any]
#: high, low and quadrant: x = quadrant pi / 2 + high + low
Angle = tuple[Array, Array, Array]

_BITS: Final = 1216  # of 2 / pi


def angle(x: Array) -> Angle:
    """The angles of float64 numbers; NaN of those that are not finite."""
    x = np.asarray(x, np.float64)
    inside = np.where(np.abs(x) < NEAR, x, 0.0)
    k, quadrant = nearest(inside * TWO_OVER_PI)
    part = fma(-k, PIO2, inside)
    high = fma(-k, PIO2_LOW, part)
    low = fma(-k, PIO2_LAST, fma(-k, PIO2_LOW, part - high))
    for n in np.flatnonzero(~(np.abs(x) < NEAR)):
        high[n], low[n], quadrant[n] = far_angle(float(x[n]))
    return high, low, quadrant


def far_angle(x: float) -> tuple[float, float, int]:
    """|x| = m 2**e: m times 192 bits of 2 / pi, of which those above the quadrant are left away."""
    if not np.isfinite(x):
        return np.nan, 0.0, 0
    pattern = int(np.abs(np.float64(x)).view(np.int64))
    m = pattern & (2**52 - 1) | 2**52
    first = (pattern >> 52) - 1075 - 2  # the bits before it give multiples of 4
    window = (c.TWO_OVER_PI >> (_BITS - first - 192)) & (2**192 - 1)
    product = m * window % 2**192  # in units of 2**-190
    quadrant = (product + 2**189) >> 190
    rest = product - (quadrant << 190)  # of which the first 64 bits and half of the next are taken
    a, b = float((rest >> 160) * 2.0**-30), float((rest >> 128 & (2**32 - 1)) * 2.0**-62)
    third = float((rest >> 96 & (2**32 - 1)) * 2.0**-94)
    both = a + b
    high = both + (((a - both) + b) + third)
    lost = ((a - high) + b) + third
    turn = high * float(PIO2)
    low = float(fma(high, PIO2, -turn)) + float(fma(high, PIO2_LOW, lost * float(PIO2)))
    return (-turn, -low, -quadrant) if x < 0 else (turn, low, quadrant)


def _sine(r: Array, low: Array) -> Array:
    z = r * r
    return r + fma(r * z, horner(z, c.SIN_D), fma(-0.5 * z, low, low))


def _cosine(r: Array, low: Array) -> Array:
    z = r * r
    half = 0.5 * z
    w = 1.0 - half
    return w + (((1.0 - w) - half) + fma(z * z, horner(z, c.COS_D), -r * low))


def _short_sine(r: Array, low: Array) -> Array:
    z = r * r
    return r * fma(z, horner(z, c.SIN_S), 1.0)


def _short_cosine(r: Array, low: Array) -> Array:
    z = r * r
    return fma(z, fma(z, horner(z, c.COS_S), -0.5), 1.0)


def _of(name: str, sine: Array, cosine: Array, quadrant: Array) -> Array:
    odd = quadrant & 1 != 0
    if name == "tan":
        return np.where(odd, -cosine / sine, sine / cosine)
    turned = quadrant + (1 if name == "cos" else 0)
    value = np.where(odd, cosine, sine) if name == "sin" else np.where(odd, sine, cosine)
    return np.where(turned & 2 != 0, -value, value)


def of_double(name: str, x: Array) -> Array:
    """sin, cos or tan of float64 numbers."""
    high, low, quadrant = angle(x)
    value = _of(name, _sine(high, low), _cosine(high, low), quadrant)
    return np.where((x == 0) & (value == 0), x, value)


def of_single(name: str, x: Array) -> Array:
    """sin, cos or tan of float32 numbers."""
    high, low, quadrant = angle(x)
    return _of(name, _short_sine(high, low), _short_cosine(high, low), quadrant).astype(np.float32)


def sinc(x: Array) -> Array:
    """sin(pi x) / (pi x), in float64."""
    t = np.float64(np.pi) * x
    return np.where(x == 0, 1.0, of_double("sin", t) / t)


def _power_of_any(x: Array, y: Array, value: Array, odd: Array, whole: Array) -> Array:
    a, b = np.abs(x), np.abs(y)
    end = np.where((a == 0) == (y > 0), 0.0, np.inf)
    result = np.where((a == 0) | (a == np.inf), end, value)
    result = np.where((x < 0) & (x > -np.inf) & ~whole, np.nan, result)
    result = np.where(np.isnan(x) | np.isnan(y), np.nan, result)
    result = np.where(odd & np.signbit(x), -result, result)
    result = np.where((a == 1) & (b == np.inf), 1.0, result)
    return np.where((y == 0) | (x == 1), 1.0, result)


def _whole(y: Array, limit: float) -> tuple[Array, Array]:
    """Whether y is odd, and whether it is an integer; larger ones than the limit are even."""
    b = np.where(np.abs(y) < limit, y, 0.0)
    integer = b.astype(np.int64)
    whole = integer == b
    return whole & (integer & 1 != 0), whole


def pow_single(x: Array, y: Array) -> Array:
    """x**y of float32 numbers."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    pattern = bits(np.abs(x))
    exponent = (pattern - np.int64(0x3FE6A09E667F3BCD)) >> 52
    m = (pattern - (exponent << 52)).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    logarithm = fma(s, horner(s * s, c.POW_LOG), exponent.astype(np.float64))
    e = clamped(y * logarithm, -200, 200)
    k, n = nearest(e)
    r = e - k
    value = scaled(fma(r, horner(r, c.POW_EXP), 1.0), n)
    return _power_of_any(x, y, value, *_whole(y, 2.0**24)).astype(np.float32)


def _log2_long(x: Array) -> tuple[Array, Array]:
    f, k = mantissa(np.abs(x))
    d = 2.0 + f
    s = f / d
    s_low = fma(-s, (2.0 - d) + f, fma(-s, d, f)) / d
    z = s * s
    z_low = fma(s, s, -z) + 2.0 * (s * s_low)
    more = z * horner(z, c.LOG_D[1:])
    third = float.fromhex("0x1.5555555555555p-1")
    a = third + more
    a_low = ((third - a) + more) + float.fromhex("0x1.5555555555555p-55")
    b = z * a
    b_low = fma(z, a, -b) + fma(z, a_low, z_low * a)
    both = 2.0 + b
    both_low = ((2.0 - both) + b) + b_low
    g = s * both
    g_low = fma(s, both, -g) + fma(s, both_low, s_low * both)
    h = g * LOG2E
    h_low = fma(g, LOG2E, -h) + fma(g, LOG2E_LOW, g_low * LOG2E)
    total = k + h
    rest = ((k - total) + h) + h_low
    high = total + rest
    return high, (total - high) + rest


def pow_double(x: Array, y: Array) -> Array:
    """x**y of float64 numbers."""
    high, low = _log2_long(x)
    e = y * high
    e_low = fma(y, high, -e) + y * low
    limited = clamped(e, -1100, 1100)
    k, n = nearest(limited)
    r = (limited - k) + np.where(limited == e, e_low, 0.0)
    value = scaled(1.0 + r * horner(r, c.EXP2_D), n)
    return _power_of_any(x, y, value, *_whole(y, 2.0**53))
