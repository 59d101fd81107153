"""Functions of float32 numbers: the definition, operation by operation, that native/functions.h computes.

Each takes float32 arrays and returns one.  `+ - * /` and `fma` round once each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from samebits.arithmetic.reference import coefficients as c
from samebits.arithmetic.reference.rounding import fma as exact_fma

Array = NDArray[Any]
F = np.float32

LN2, LN2_LOW = F(float.fromhex("0x1.62e43p-1")), F(float.fromhex("-0x1.05c61p-29"))
LN2_SHORT, LN2_REST = F(float.fromhex("0x1.62ep-1")), F(float.fromhex("0x1.0bfbe8p-15"))
LOG2E, LOG2E_LOW = F(float.fromhex("0x1.715476p+0")), F(float.fromhex("0x1.4ae0cp-26"))
LOG10E, LOG10E_LOW = F(float.fromhex("0x1.bcb7b2p-2")), F(float.fromhex("-0x1.5b235ep-27"))
LOG10_2_SHORT, LOG10_2_REST = F(float.fromhex("0x1.344p-2")), F(float.fromhex("0x1.3509f8p-18"))
GELU_1, GELU_3 = F(float.fromhex("0x1.988454p+0")), F(float.fromhex("0x1.2444f2p-4"))
PDF = F(float.fromhex("0x1.988454p-2"))
WHOLE: Final = F(float.fromhex("0x1.8p+23"))
ONE, TWO, HALF = F(1), F(2), F(0.5)


def fma(a: Any, b: Any, addend: Any) -> Array:
    """Of float32 arrays, and Python's numbers as float32."""
    return exact_fma(np.asarray(a, F), np.asarray(b, F), np.asarray(addend, F))


def horner(x: Array, coefficients: Sequence[float]) -> Array:
    """The polynomial, from the last coefficient on."""
    value: Array = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = fma(value, x, coefficient)
    return value


def bits(x: Array) -> Array:
    """The bits of float32 numbers, as int64."""
    return np.asarray(x, F).view(np.int32).astype(np.int64)


def scaled(y: Array, n: Array) -> Array:
    """y 2**n, rounded once."""
    return np.ldexp(y, np.asarray(n).astype(np.int32))


def clamped(x: Array, least: float, most: float) -> Array:
    """x, no less and no more; NaN is NaN."""
    x = np.where(x < F(least), F(least), x)
    return np.where(x > F(most), F(most), x)


def at_most(x: Array, most: float) -> Array:
    """|x|, or `most` if that is less, or if x is NaN."""
    return np.where(np.abs(x) < F(most), np.abs(x), F(most))


def nearest(x: Array, factor: Array | np.float32) -> tuple[Array, Array]:
    """The integer nearest to x factor, as a number and as an integer (any, for NaN)."""
    k = fma(x, factor, WHOLE) - WHOLE
    return k, np.where(np.isfinite(k), k, 0).astype(np.int64)


def exp_tail(r: Array) -> Array:
    """(exp(r) - 1 - r) / r**2"""
    low, high, z = fma(r, c.EXP[1], c.EXP[0]), fma(r, c.EXP[3], c.EXP[2]), r * r
    return fma(z, fma(z, c.EXP[4], high), low)


def reduced(x: Array) -> tuple[Array, Array]:
    """p and n of exp(x) = (1 + p) 2**n."""
    k, n = nearest(x, LOG2E)
    r = fma(-k, LN2_LOW, fma(-k, LN2, x))
    return fma(r * r, exp_tail(r), r), n


def exp(x: Array) -> Array:
    """exp(x)"""
    y = clamped(x, -105, 89)
    k, n = nearest(y, LOG2E)
    r = fma(-k, LN2_LOW, fma(-k, LN2, y))
    total = ONE + r
    lost = (ONE - total) + r
    return scaled(total + fma(r * r, exp_tail(r), lost), n)


def exp2(x: Array) -> Array:
    """2**x"""
    y = clamped(x, -151, 129)
    k, n = nearest(y, ONE)
    r = y - k
    return scaled(fma(r, horner(r, c.EXP2), ONE), n)


def expm1(x: Array) -> Array:
    """exp(x) - 1"""
    y = clamped(x, -20, 89)
    k, n = nearest(y, LOG2E)
    near = fma(-k, LN2, y)
    r = fma(-k, LN2_LOW, near)
    low = fma(-k, LN2_LOW, near - r)
    power = scaled(np.ones_like(r), n - 1)
    rest = power - HALF
    high = fma(power, r, rest)
    lost = fma(power, r, rest - high) + ((power - rest) - HALF)
    tail = fma(r * r, horner(r, c.EXPM1), low)
    value = high + fma(power, tail, lost)
    return np.where(np.abs(x) < F(2.0**-25), x, value + value)


def mantissa(x: Array) -> tuple[Array, Array]:
    """f and k of x = (1 + f) 2**k, 2/3 <= 1 + f < 4/3, for a positive finite x."""
    tiny = x < F(2.0**-126)
    integer = bits(np.where(tiny, x * F(2.0**23), x))
    exponent = (integer - 0x3F2AAAAB) >> 23
    one_and_f = (integer - (exponent << 23)).astype(np.uint32).view(F)
    return one_and_f - ONE, (exponent - np.where(tiny, 23, 0)).astype(F)


def log_of_any(x: Array, value: Array) -> Array:
    """`value`, for a positive finite x, or the logarithm of another."""
    other = np.where(x == 0, F(-np.inf), np.where(x == F(np.inf), x, F(np.nan)))
    return np.where((x > 0) & (x < F(np.inf)), value, other)


def total(a: Array, b: Array, low: Array) -> Array:
    """a + b + low, |a| >= |b| or a = 0."""
    high = a + b
    result: Array = high + (((a - high) + b) + low)
    return result


def log(x: Array) -> Array:
    """log(x)"""
    f, k = mantissa(x)
    low = fma(f * f, horner(f, c.LOG), k * LN2_REST)
    return log_of_any(x, total(k * LN2_SHORT, f, low))


def log2(x: Array) -> Array:
    """log2(x)"""
    f, k = mantissa(x)
    high = f * LOG2E
    low = fma(f, LOG2E, -high) + f * LOG2E_LOW
    return log_of_any(x, total(k, high, fma(f * f, horner(f, c.LOG2), low)))


def log10(x: Array) -> Array:
    """log10(x)"""
    f, k = mantissa(x)
    high, square, t = f * LOG10E, f * f, horner(f, c.LOG10)
    low = fma(f, LOG10E, -high) + f * LOG10E_LOW
    rest = fma(fma(f, f, -square), t, fma(k, LOG10_2_REST, low))
    return log_of_any(x, total(k * LOG10_2_SHORT, high, fma(square, t, rest)))


def log1p(x: Array) -> Array:
    """log(1 + x)"""
    u = ONE + x
    exponent = (bits(u) - 0x3F2AAAAB) >> 23
    half, k = exponent >> 1, exponent.astype(F)
    one, other = scaled(np.ones_like(x), -half), scaled(np.ones_like(x), half - exponent)
    part, rest = x * one, one * other - ONE
    f = fma(part, other, rest)
    lost = fma(part, other, rest - f)
    low = fma(-f, lost, lost) + k * LN2_REST
    value = total(k * LN2_SHORT, f, fma(f * f, horner(f, c.LOG), low))
    return np.where(x == 0, x, log_of_any(u, value))


def tanh(x: Array) -> Array:
    """tanh(x)"""
    a = np.abs(x)
    b = np.where(a > 10, F(10), a)
    z = b * b
    p, n = reduced(b + b)
    power = scaled(np.ones_like(p), n)
    large = ONE - TWO / fma(p, power, power + ONE)
    small = fma(b * z, horner(z, c.TANH), b)
    return np.copysign(np.where(b < 1, small, large), x)


def logistic(a: Array) -> tuple[Array, Array, Array]:
    """w, s and n of sigmoid(-a) = s w, s = 2**-n, 0 <= a <= 110."""
    p, n = reduced(a)
    s = scaled(np.ones_like(p), -np.minimum(n, 126))
    both = s + ONE
    d = both + p
    q = ONE / d
    lost = ((both - d) + p) + ((ONE - both) + s)
    return fma(q, fma(-q, lost, fma(-q, d, ONE)), q), s, n


def sigmoids(v: Array) -> tuple[Array, Array]:
    """sigmoid(v) and sigmoid(-v); v is not NaN."""
    w, s, n = logistic(at_most(v, 110))
    small, large = scaled(w, -n), fma(-s, w, ONE)
    return np.where(v < 0, small, large), np.where(v < 0, large, small)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))"""
    return np.where(np.isnan(x), x, sigmoids(x)[0])


def above(x: Array) -> Array:
    """x for x > 0, otherwise 0 of its sign, or NaN."""
    return np.where(x > 0, x, x * F(0))


def gated(x: Array, v: Array) -> Array:
    """x sigmoid(v), v of the sign of x."""
    w, _, n = logistic(at_most(v, 110))
    return above(x) - scaled(at_most(x, 110) * w, -n)


def silu(x: Array) -> Array:
    """x sigmoid(x)"""
    return gated(x, x)


def gelu_tanh(x: Array) -> Array:
    """x sigmoid(c1 x + c3 x**3)"""
    return gated(x, x * fma(x * x, GELU_3, GELU_1))


def log1p_exp(x: Array) -> Array:
    """log(1 + exp(x))"""
    return np.where(x < 0, F(0), x) + log1p(exp(-np.abs(x)))


def softplus(x: Array, beta: float, threshold: float) -> Array:
    """log(1 + exp(beta x)) / beta, or x where beta x is above the threshold."""
    z = x * F(beta)
    return np.where(z > F(threshold), x, log1p_exp(z) / F(beta))


def logsigmoid(x: Array) -> Array:
    """log(sigmoid(x))"""
    return np.where(x < 0, x, F(0)) - log1p(exp(-np.abs(x)))


def mish(x: Array) -> Array:
    """x tanh(log(1 + exp(x)))"""
    y = clamped(x, -110, 20)
    p, n = reduced(y)
    m, power = ONE + p, scaled(np.ones_like(p), n)
    w = m * fma(power, m, TWO)
    value = scaled((y * w) / fma(power, w, TWO), n)
    return np.where(x > 20, x, np.where(x < -110, x * F(0), value))


def erf(x: Array) -> Array:
    """erf(x)"""
    a = np.abs(x)
    b = np.where(a > F(3.95), F(3.95), a)
    small = fma(b, horner(b * b, c.ERF), b)
    exponent = horner(b, c.ERFC)
    y = -b * exponent
    e = exp(y)
    large = ONE - fma(e, fma(-b, exponent, -y), e)
    return np.copysign(np.where(b < 1, small, large), x)


def normal(x: Array) -> tuple[Array, Array, Array]:
    """p, g and n of Phi(-|x|) = (1 + p) g 2**n."""
    b = at_most(x, 14.5)
    square = b * b
    lost, y = fma(b, b, -square), -HALF * square
    k, n = nearest(y, LOG2E)
    r = fma(-k, LN2, y) + fma(-k, LN2_LOW, -HALF * lost)
    u = ONE - (b + b) / (F(4) + b)
    return fma(r * r, exp_tail(r), r), horner(u, c.NORMAL), n


def gelu(x: Array) -> Array:
    """x Phi(x)"""
    p, g, n = normal(x)
    part = at_most(x, 14.5) * g
    return above(x) - scaled(fma(part, p, part), n)


def gelu_slope(x: Array) -> Array:
    """The derivative of gelu."""
    p, g, n = normal(x)
    part = at_most(x, 14.5) * PDF
    tail, density = scaled(fma(g, p, g), n), scaled(fma(part, p, part), n)
    return np.where(x > 0, (ONE - tail) + density, np.where(x <= 0, tail - density, x))


def gelu_tanh_slope(x: Array) -> Array:
    """The derivative of gelu_tanh."""
    b = clamped(x, -11, 11)
    z = b * b
    s, other = sigmoids(b * fma(z, GELU_3, GELU_1))
    return fma(s * other, b * fma(z, F(3) * GELU_3, GELU_1), s)


def silu_slope(x: Array) -> Array:
    """The derivative of silu."""
    s, other = sigmoids(x)
    return s * fma(x, other, ONE)


def mish_slope(x: Array) -> Array:
    """The derivative of mish."""
    y = clamped(x, -110, 20)
    e = exp(y)
    w = e * (e + TWO)
    d = w + TWO
    return fma((F(4) * e) * (e + ONE) / d, y / d, w / d)
