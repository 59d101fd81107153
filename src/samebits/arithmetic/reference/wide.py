"""Functions of float64 numbers: the definition of native/wide.h and native/trigonometric.h, step by step.

Of float32 numbers the last ones are computed in float64 and rounded.  `fma` of float64 is slow here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits.arithmetic.reference import coefficients as c
from samebits.arithmetic.reference.rounding import fma as exact_fma

Array = NDArray[Any]
D = np.float64


def _hex(text: str) -> np.float64:
    return D(float.fromhex(text))


LN2, LN2_LOW = _hex("0x1.62e42fefa39efp-1"), _hex("0x1.abc9e3b39803fp-56")
LN2_SHORT, LN2_REST = _hex("0x1.62e42fefap-1"), _hex("0x1.cf79abc9e3b3ap-40")
LOG10_2_SHORT, LOG10_2_REST = _hex("0x1.34413509fp-2"), _hex("0x1.e7fbcc47c4acdp-40")
LOG2E, LOG2E_LOW = _hex("0x1.71547652b82fep+0"), _hex("0x1.777d0ffda0d24p-56")
LOG10E, LOG10E_LOW = _hex("0x1.bcb7b1526e50ep-2"), _hex("0x1.95355baaafad3p-57")
PIO2, PIO2_LOW = _hex("0x1.921fb54442d18p+0"), _hex("0x1.1a62633145c07p-54")
PIO2_LAST, TWO_OVER_PI = _hex("-0x1.f1976b7ed8fbcp-110"), _hex("0x1.45f306dc9c883p-1")
PDF, ROOT_2 = _hex("0x1.9884533d43651p-2"), _hex("0x1.6a09e667f3bcdp+0")
GELU_1, GELU_3 = _hex("0x1.9884533d43651p+0"), _hex("0x1.2444f2a4d8b4bp-4")
WHOLE = _hex("0x1.8p+52")
NEAR = 2.0**28


def fma(a: Any, b: Any, addend: Any) -> Array:
    """Of float64 arrays, and Python's numbers."""
    return exact_fma(np.asarray(a, D), np.asarray(b, D), np.asarray(addend, D))


def horner(x: Array, coefficients: Any) -> Array:
    """The polynomial, from the last coefficient on."""
    value: Array = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = fma(value, x, coefficient)
    return value


def scaled(y: Array, n: Array) -> Array:
    """y 2**n, rounded once."""
    return np.ldexp(y, np.asarray(n).astype(np.int32))


def clamped(x: Array, least: float, most: float) -> Array:
    """x, no less and no more; NaN is NaN."""
    x = np.where(x < least, least, x)
    return np.where(x > most, most, x)


def nearest(x: Array) -> tuple[Array, Array]:
    """The integer nearest to x, as a number and as an integer (any, for NaN)."""
    k = (x + WHOLE) - WHOLE
    return k, np.where(np.isfinite(k), k, 0).astype(np.int64)


def reduced(x: Array, low: Array | float) -> tuple[Array, Array]:
    """p and n of exp(x + low) = (1 + p) 2**n."""
    k, n = nearest(x * LOG2E)
    r = fma(-k, LN2, x) + fma(-k, LN2_LOW, low)
    return fma(r * r, horner(r, c.EXP_D), r), n


def exp(x: Array) -> Array:
    """exp(x)"""
    y = clamped(x, -746, 710)
    k, n = nearest(y * LOG2E)
    r = fma(-k, LN2_LOW, fma(-k, LN2, y))
    total = 1.0 + r
    lost = (1.0 - total) + r
    return scaled(total + fma(r * r, horner(r, c.EXP_D), lost), n)


def exp2(x: Array) -> Array:
    """2**x"""
    y = clamped(x, -1076, 1025)
    k, n = nearest(y)
    r = y - k
    return scaled(fma(r, horner(r, c.EXP2_D), 1.0), n)


def expm1(x: Array) -> Array:
    """exp(x) - 1"""
    y = clamped(x, -40, 710)
    k, n = nearest(y * LOG2E)
    near = fma(-k, LN2, y)
    r = fma(-k, LN2_LOW, near)
    low = fma(-k, LN2_LOW, near - r)
    power = scaled(np.ones_like(r), n - 1)
    rest = power - 0.5
    high = fma(power, r, rest)
    lost = fma(power, r, rest - high) + ((power - rest) - 0.5)
    value = high + fma(power, fma(r * r, horner(r, c.EXP_D), low), lost)
    return np.where(np.abs(x) < 2.0**-54, x, value + value)


def bits(x: Array) -> Array:
    """The bits of float64 numbers."""
    return np.asarray(x, D).view(np.int64)


def mantissa(x: Array) -> tuple[Array, Array]:
    """f and k of x = (1 + f) 2**k, 2/3 <= 1 + f < 4/3, for a positive finite x."""
    tiny = x < 2.0**-1022
    integer = bits(np.where(tiny, x * 2.0**54, x))
    exponent = (integer - np.int64(0x3FE5555555555555)) >> 52
    return (integer - (exponent << 52)).view(D) - 1.0, (exponent - np.where(tiny, 54, 0)).astype(D)


def log_rest(f: Array) -> Array:
    """log(1 + f) - f"""
    s = f / (2.0 + f)
    z, square = s * s, (0.5 * f) * f
    return fma(s, fma(z, horner(z, c.LOG_D), square), -square)


def log_of_any(x: Array, value: Array) -> Array:
    """`value`, for a positive finite x, or the logarithm of another."""
    other = np.where(x == 0, -np.inf, np.where(x == np.inf, x, np.nan))
    return np.where((x > 0) & (x < np.inf), value, other)


def total(a: Array, b: Array, low: Array) -> Array:
    """a + b + low, |a| >= |b| or a = 0."""
    high = a + b
    result: Array = high + (((a - high) + b) + low)
    return result


def log(x: Array) -> Array:
    """log(x)"""
    f, k = mantissa(x)
    return log_of_any(x, total(k * LN2_SHORT, f, fma(k, LN2_REST, log_rest(f))))


def log2(x: Array) -> Array:
    """log2(x)"""
    f, k = mantissa(x)
    rest, high = log_rest(f), f * LOG2E
    low = fma(f, LOG2E, -high) + fma(f, LOG2E_LOW, rest * LOG2E)
    return log_of_any(x, total(k, high, low))


def log10(x: Array) -> Array:
    """log10(x)"""
    f, k = mantissa(x)
    rest, high = log_rest(f), f * LOG10E
    low = fma(f, LOG10E, -high) + fma(f, LOG10E_LOW, rest * LOG10E)
    return log_of_any(x, total(k * LOG10_2_SHORT, high, fma(k, LOG10_2_REST, low)))


def log1p(x: Array) -> Array:
    """log(1 + x)"""
    u = 1.0 + x
    exponent = (bits(u) - np.int64(0x3FE5555555555555)) >> 52
    half, k = exponent >> 1, exponent.astype(D)
    one, other = scaled(np.ones_like(x), -half), scaled(np.ones_like(x), half - exponent)
    part, rest = x * one, one * other - 1.0
    f = fma(part, other, rest)
    lost = fma(part, other, rest - f)
    low = fma(-f, lost, lost) + fma(k, LN2_REST, log_rest(f))
    return np.where(x == 0, x, log_of_any(u, total(k * LN2_SHORT, f, low)))


def tanh(x: Array) -> Array:
    """tanh(x)"""
    a = np.abs(x)
    b = np.where(a > 20, 20.0, a)
    z = b * b
    p, n = reduced(b + b, 0.0)
    power = scaled(np.ones_like(p), n)
    large = 1.0 - 2.0 / fma(p, power, power + 1.0)
    small = fma(b * z, horner(z, c.TANH_D), b)
    return np.copysign(np.where(b < 1, small, large), x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))"""
    a = np.abs(x)
    p, n = reduced(np.where(a > 750, 750.0, a), 0.0)
    s = scaled(np.ones_like(p), -np.minimum(n, 1022))
    both = s + 1.0
    d = both + p
    q = 1.0 / d
    lost = ((both - d) + p) + ((1.0 - both) + s)
    w = fma(q, fma(-q, lost, fma(-q, d, 1.0)), q)
    return np.where(x < 0, scaled(w, -n), fma(-s, w, 1.0))


def tail(a: Array, square: Array, lost: Array) -> Array:
    """Phi(-a), of exp(-square - lost) and a polynomial of (4 - a) / (4 + a)."""
    p, n = reduced(-square, -lost)
    g = horner(1.0 - (a + a) / (4.0 + a), c.NORMAL_D)
    return scaled(fma(g, p, g), n)


def normal(x: Array) -> Array:
    """Phi(-|x|)"""
    a = np.abs(x)
    b = np.where(a > 38.6, 38.6, a)
    square = b * b
    return tail(b, 0.5 * square, 0.5 * fma(b, b, -square))


def erfc_of(a: Array) -> Array:
    """erfc(a), 0 <= a"""
    b = np.where(a > 27.3, 27.3, a)
    square = b * b
    value: Array = 2.0 * tail(b * ROOT_2, square, fma(b, b, -square))
    return value


def erf(x: Array) -> Array:
    """erf(x)"""
    a = np.abs(x)
    b = np.where(a > 1, 1.0, a)
    small = fma(b, horner(b * b, c.ERF_D), b)
    return np.copysign(np.where(a < 1, small, 1.0 - erfc_of(a)), x)


def erfc(x: Array) -> Array:
    """1 - erf(x)"""
    a = np.abs(x)
    b, far = np.where(a > 1, 1.0, a), erfc_of(a)
    small = fma(-x, horner(b * b, c.ERF_D), 1.0 - x)
    return np.where(a < 0.5, small, np.where(x < 0, 2.0 - far, far))


def above(x: Array) -> Array:
    """x for x > 0, otherwise 0 of its sign, or NaN."""
    return np.where(x > 0, x, x * 0.0)


def gated(x: Array, v: Array) -> Array:
    """x sigmoid(v)"""
    return np.where(v < -750, x * 0.0, x * sigmoid(v))


def silu(x: Array) -> Array:
    """x sigmoid(x)"""
    return gated(x, x)


def gelu_tanh(x: Array) -> Array:
    """x sigmoid(c1 x + c3 x**3)"""
    return gated(x, x * fma(x * x, GELU_3, GELU_1))


def softplus(x: Array, beta: float, threshold: float) -> Array:
    """log(1 + exp(beta x)) / beta, or x where beta x is above the threshold."""
    z = x * beta
    value = np.where(z < 0, 0.0, z) + log1p(exp(-np.abs(z)))
    return np.where(z > threshold, x, value / beta)


def logsigmoid(x: Array) -> Array:
    """log(sigmoid(x))"""
    return np.where(x < 0, x, 0.0) - log1p(exp(-np.abs(x)))


def tanh_softplus(x: Array) -> Array:
    """tanh(log(1 + exp(x)))"""
    e = exp(clamped(x, -800, 40))
    w = e * (e + 2.0)
    return w / (w + 2.0)


def mish(x: Array) -> Array:
    """x tanh(log(1 + exp(x)))"""
    return np.where(x < -800, x * 0.0, x * tanh_softplus(x))


def gelu(x: Array) -> Array:
    """x Phi(x)"""
    a = np.abs(x)
    value: Array = above(x) - np.where(a > 38.6, 38.6, a) * normal(x)
    return value


def gelu_slope(x: Array) -> Array:
    """The derivative of gelu."""
    far, b = normal(x), clamped(x, -38.6, 38.6)
    return fma(b * PDF, exp(-0.5 * (b * b)), np.where(x > 0, 1.0 - far, far))


def gelu_tanh_slope(x: Array) -> Array:
    """The derivative of gelu_tanh."""
    b = clamped(x, -22, 22)
    z = b * b
    v = b * fma(z, GELU_3, GELU_1)
    s = sigmoid(v)
    return fma(s * sigmoid(-v), b * fma(z, 3.0 * GELU_3, GELU_1), s)


def silu_slope(x: Array) -> Array:
    """The derivative of silu."""
    slope: Array = sigmoid(x) * fma(x, sigmoid(-x), 1.0)
    return slope


def mish_slope(x: Array) -> Array:
    """The derivative of mish."""
    y = clamped(x, -800, 40)
    e = exp(y)
    w = e * (e + 2.0)
    d = w + 2.0
    return fma((4.0 * e) * (e + 1.0) / d, y / d, w / d)
