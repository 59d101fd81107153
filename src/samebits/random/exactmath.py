"""Logarithms, exponentials and their like in float64, the same bits on every device.

A library's log, exp, tan differ between devices, between vector widths and between
versions.  Sums, products, quotients and roots do not: IEEE 754 defines their every bit.
So everything here is made of + - * / and of the bits themselves, in one fixed order,
every operation rounded on its own.  `native/exactmath.h` is the same in C, number by
number, and a test holds the two together.

What that forbids in torch: addcmul, lerp, pow (they fuse or approximate), `x / number`
(CUDA multiplies by the reciprocal instead), `number / x` (a reciprocal, then a product).
So a quotient here is one of two tensors.  Nor is torch.sqrt the root that IEEE 754 defines:
on a CPU with MKL one in a hundred is an ulp off, and which ones depends on where in the
tensor they are.  So `sqrt` here corrects it.  Subnormal numbers must not be flushed to zero.

Largest errors, in ulp of the result, measured against 100 digits (tests/random/test_exactmath.py):
sqrt 0.5, log 0.8, log1p 1.5, exp 0.9, expm1 1.9, cotpi 2.8; relative ones of stirling and deviance:
2e-15 and 1e-14.

The logarithm's and the exponential's scheme is the common one: P. Tang, "Table-driven
implementation of the logarithm function in IEEE floating-point arithmetic", ACM TOMS 16
(1990), without its tables; the polynomials are minimax ones made with mpmath.chebyfit.
Stirling's remainder and the deviance: C. Loader, "Fast and accurate computation of
binomial probabilities" (2000).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import torch
from torch import Tensor

_MANTISSA: Final = 52
_BIAS: Final = 1023
_FRACTION: Final = (1 << _MANTISSA) - 1
_HALF_ROOT: Final = 0x3FE6A09E667F3BCD  # sqrt(1/2) as a pattern: mantissas are taken from there to sqrt(2)

_LN2_HIGH: Final = float.fromhex("0x1.62e42p-1")  # 21 bits: its products with exponents are exact
_LN2_LOW: Final = float.fromhex("0x1.fdf473de6af28p-22")
_LOG2_E: Final = float.fromhex("0x1.71547652b82fep+0")
_HALF_LOG_2PI: Final = float.fromhex("0x1.d67f1c864beb5p-1")
_PI: Final = float.fromhex("0x1.921fb54442d18p+1")
_PI_LOW: Final = float.fromhex("0x1.1a62633145c07p-53")

#: Adding it rounds to a whole number, which is then in the low bits.
_WHOLE: Final = float.fromhex("0x1.8p+52")
_WHOLE_BITS: Final = 0x4338000000000000

#: Beyond them exp is infinite, or rounds to zero.
_EXP_MOST: Final = 710.0
_EXP_LEAST: Final = -746.0


def _numbers(*texts: str) -> tuple[float, ...]:
    return tuple(float.fromhex(text) for text in texts)


# (log((1 + s) / (1 - s)) / s - 2) / s**2 as a polynomial in s**2, to 3e-16
_LOG: Final = _numbers(
    "0x1.5555555555558p-1",
    "0x1.99999999952d7p-2",
    "0x1.2492492df281ap-2",
    "0x1.c71c62e3f11e6p-3",
    "0x1.7462b51cb66b1p-3",
    "0x1.39fe51a7c18f9p-3",
    "0x1.2b5900de53b32p-3",
)
# (exp(r) - 1 - r) / r**2, |r| < 0.347, to 1.4e-18
_EXP: Final = _numbers(
    "0x1.0p-1",
    "0x1.5555555555557p-3",
    "0x1.5555555555556p-5",
    "0x1.11111111100bep-7",
    "0x1.6c16c16c162c3p-10",
    "0x1.a01a01abf85abp-13",
    "0x1.a01a01a6e1e2ap-16",
    "0x1.71de01fdbf9cap-19",
    "0x1.27e4db46cddd1p-22",
    "0x1.af4e554377204p-26",
    "0x1.1f7340dbc337ep-29",
)
# (sin(pi y) / y - pi) / y**2 and (cos(pi y) - 1) / y**2 as polynomials in y**2, y <= 1/4, to 4e-19 and 2e-18
_SIN: Final = _numbers(
    "-0x1.4abbce625be53p+2",
    "0x1.466bc6775aae1p+1",
    "-0x1.32d2cce62b872p-1",
    "0x1.50783486facaap-4",
    "-0x1.e3074d2614b2dp-8",
    "0x1.e8f036bcd3237p-12",
    "-0x1.6cc577dadd922p-16",
)
_COS: Final = _numbers(
    "-0x1.3bd3cc9be45dep+2",
    "0x1.03c1f081b5ac0p+2",
    "-0x1.55d3c7e3cb241p+0",
    "0x1.e1f5068688d5bp-3",
    "-0x1.a6d1eef479be1p-6",
    "0x1.f9ce245cada0bp-10",
    "-0x1.b2f3eb054afcdp-14",
)
# Stirling's series: log(k!) - k log k + k - log(2 pi k) / 2 = sum of c / k**(1, 3, 5, ...)
_STIRLING: Final = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)
# log(k!) - k log k + k, k = 0 ... 15
_SMALL: Final = _numbers(
    "0x0.0p+0",
    "0x1.0000000000000p+0",
    "0x1.4e8de8082e308p+0",
    "0x1.7ef4c8a2316e2p+0",
    "0x1.a2042fd3b7235p+0",
    "0x1.bd847196e2524p+0",
    "0x1.d42550e3f471ap+0",
    "0x1.e75ecd60de91bp+0",
    "0x1.f8150242b012fp+0",
    "0x1.036e6368ac3dep+1",
    "0x1.0a0e4ed3fe17cp+1",
    "0x1.100f1175d0b5ep+1",
    "0x1.158bfdcbc9c40p+1",
    "0x1.1a99eb055764fp+1",
    "0x1.1f491b8e50eebp+1",
    "0x1.23a67d6776062p+1",
)
#: 1/3, 1/5, ...: atanh(v) / v = 1 + v**2 / 3 + ...
_ATANH: Final = tuple(1 / (2 * j + 1) for j in range(1, 10))
#: -1/4, 1/5, -1/6, ...: the logarithm's series from its fourth term on
_LOG_REST: Final = tuple((-1) ** (j + 1) / j for j in range(4, 17))

#: Where the deviance's and the logarithm's series are used.
_NEAR: Final = 0.1
_NEAR_LOG: Final = 0.0625


def polynomial(x: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    """Horner's scheme, each product and each sum rounded; the lowest coefficient comes first."""
    value = torch.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * x
        value = value + coefficient
    return value


def sqrt(x: Tensor) -> Tensor:
    """The square root of float64 numbers, correctly rounded: C's `sqrt`.

    The root y of a significand is a whole number of ulps.  What torch gives is at most one
    off, so x - y**2 fits into 64 bits: whether it does not lie within y's half ulps is decided
    in integers that wrap.
    """
    tiny = x < 2.0**-1022
    usual = (x > 0.0) & (x < math.inf)
    bits = torch.where(usual, torch.where(tiny, x * 2.0**108, x), 1.0).view(torch.int64)
    exponent = (bits >> _MANTISSA) - _BIAS
    odd = exponent & 1
    significand = (bits & _FRACTION | 1 << _MANTISSA) << odd
    guess = torch.sqrt(significand.to(torch.float64) * 2.0**-_MANTISSA)
    y = (guess * 2.0**_MANTISSA).to(torch.int64)
    rest = significand * (1 << _MANTISSA) - y * y
    y = y + (rest > y).to(torch.int64) - (rest <= -y).to(torch.int64)
    value = (y.to(torch.float64) * 2.0**-_MANTISSA) * _power((exponent - odd) >> 1)
    value = torch.where(tiny, value * 2.0**-54, value)
    return torch.where(usual, value, torch.where(x < 0.0, math.nan, x))


def log(x: Tensor) -> Tensor:
    """The natural logarithm of float64 numbers: -inf at 0, NaN below."""
    tiny = x < 2.0**-1022
    bits = torch.where(tiny, x * 2.0**54, x).view(torch.int64)
    exponent = (bits - _HALF_ROOT) >> _MANTISSA
    f = (bits - (exponent << _MANTISSA)).view(torch.float64) - 1.0
    k = (exponent - 54 * tiny.to(torch.int64)).to(torch.float64)
    square = 0.5 * f * f
    s = f / (f + 2.0)
    z = s * s
    rest = z * polynomial(z, _LOG)
    low = s * (square + rest) + k * _LN2_LOW
    value = k * _LN2_HIGH - ((square - low) - f)
    value = torch.where(x == math.inf, x, value)
    value = torch.where(x == 0.0, -math.inf, value)
    return torch.where((x < 0.0) | (x != x), math.nan, value)


def log1p(x: Tensor) -> Tensor:
    """log(1 + x) of float64 numbers, accurate near 0."""
    u = x + 1.0
    lost = torch.where(x < 1.0, x - (u - 1.0), 1.0 - (u - x))
    near = torch.where(u > 0.0, u, 1.0)
    value = log(near) + lost / near
    value = torch.where(u == math.inf, u, value)
    value = torch.where(u == 0.0, -math.inf, value)
    value = torch.where(x == 0.0, x, value)  # with its sign
    return torch.where((u < 0.0) | (x != x), math.nan, value)


def _reduced(x: Tensor) -> tuple[Tensor, Tensor]:
    """exp(x) = (1 + value) * 2**k: the value and k (int64)."""
    x = torch.where(x != x, 0.0, x).clamp(_EXP_LEAST, _EXP_MOST)
    whole = x * _LOG2_E + _WHOLE
    k = whole - _WHOLE
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    return r + (r * r) * polynomial(r, _EXP), whole.view(torch.int64) - _WHOLE_BITS


def _power(k: Tensor) -> Tensor:
    """2**k for int64 numbers from -1022 to 1023."""
    return ((k + _BIAS) << _MANTISSA).view(torch.float64)


def exp(x: Tensor) -> Tensor:
    """The exponential of float64 numbers, down to the smallest subnormal."""
    value, k = _reduced(x)
    half = k >> 1  # 2**k itself may be none
    value = ((value + 1.0) * _power(half)) * _power(k - half)
    return torch.where(x != x, x, value)


def expm1(x: Tensor) -> Tensor:
    """exp(x) - 1 of float64 numbers, accurate near 0."""
    value, k = _reduced(x)
    power = _power(k.clamp(-1000, 1000))
    value = torch.where(k > 1000, exp(x), value * power + (power - 1.0))
    value = torch.where(x == 0.0, x, value)  # with its sign
    return torch.where(x != x, x, value)


def cotpi(x: Tensor) -> Tensor:
    """cos(pi x) / sin(pi x) of float64 numbers in [0, 1/2]: infinite at 0."""
    far = x > 0.25
    y = torch.where(far, 0.5 - x, x)
    z = y * y
    sine = y * (z * polynomial(z, _SIN) + _PI_LOW + _PI)
    cosine = z * polynomial(z, _COS) + 1.0
    return torch.where(far, sine, cosine) / torch.where(far, cosine, sine)


@cache
def _small(device: torch.device) -> Tensor:
    return torch.tensor(_SMALL, dtype=torch.float64, device=device)


def stirling(k: Tensor) -> Tensor:
    """log(k!) - (k log k - k) of whole float64 numbers k >= 0: 0 at 0, close to log(2 pi k) / 2.

    What remains of a factorial in ratios of probabilities once the large terms, which
    nearly cancel, have been put together in `deviance`.
    """
    few = k < len(_SMALL)
    r = torch.where(few, 1.0, k).reciprocal()
    series = r * polynomial(r * r, _STIRLING)
    many = (0.5 * log(torch.where(few, 1.0, k)) + _HALF_LOG_2PI) + series
    return torch.where(few, _small(k.device)[torch.where(few, k, 0.0).to(torch.int64)], many)


def deviance(x: Tensor, mean: Tensor) -> Tensor:
    """x log(x / mean) + mean - x of float64 numbers x >= 0, mean > 0: no cancellation where they are near."""
    difference = x - mean
    total = x + mean
    v = difference / total
    square = v * v
    near = difference * v + ((2.0 * x) * v) * (square * polynomial(square, _ATANH))
    far = (x * log(torch.where(x == 0.0, mean, x) / mean) + mean) - x
    return torch.where(v.abs() < _NEAR, near, far)


def log1p_rest(t: Tensor) -> Tensor:
    """log(1 + t) - t + t**2 / 2 - t**3 / 3 of float64 numbers t > -1: no cancellation near 0."""
    square = t * t
    near = (square * square) * polynomial(t, _LOG_REST)
    far = ((log(t + 1.0) - t) + 0.5 * square) - (square * t) / torch.full_like(t, 3.0)
    return torch.where(t.abs() < _NEAR_LOG, near, far)
