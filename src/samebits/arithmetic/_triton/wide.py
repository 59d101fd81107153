"""Functions of a float64 in Triton: the formulas of `samebits.arithmetic.reference.wide`.

Triton would take a constant beside a fused multiply-add for a float32: there it is made by `number`.
"""

from __future__ import annotations

import triton.language as tl

import triton
from samebits.arithmetic._triton.numbers import negative
from samebits.arithmetic.reference import coefficients

EXP = tl.constexpr(coefficients.EXP_D)
EXP2 = tl.constexpr(coefficients.EXP2_D)
LOG = tl.constexpr(coefficients.LOG_D)
TANH = tl.constexpr(coefficients.TANH_D)
ERF = tl.constexpr(coefficients.ERF_D)
NORMAL = tl.constexpr(coefficients.NORMAL_D)

LN2_HI = tl.constexpr(float.fromhex("0x1.62e42fefa39efp-1"))
LN2_LO = tl.constexpr(float.fromhex("0x1.abc9e3b39803fp-56"))
#: Times an exponent it is exact; the rest of ln(2).
LN2_SHORT = tl.constexpr(float.fromhex("0x1.62e42fefap-1"))
LN2_REST = tl.constexpr(float.fromhex("0x1.cf79abc9e3b3ap-40"))
LOG10_2_SHORT = tl.constexpr(float.fromhex("0x1.34413509fp-2"))
LOG10_2_REST = tl.constexpr(float.fromhex("0x1.e7fbcc47c4acdp-40"))
LOG2E = tl.constexpr(float.fromhex("0x1.71547652b82fep+0"))
LOG2E_LO = tl.constexpr(float.fromhex("0x1.777d0ffda0d24p-56"))
LOG10E = tl.constexpr(float.fromhex("0x1.bcb7b1526e50ep-2"))
LOG10E_LO = tl.constexpr(float.fromhex("0x1.95355baaafad3p-57"))
WHOLE = tl.constexpr(float.fromhex("0x1.8p+52"))
WHOLE_BITS = tl.constexpr(0x4338000000000000)
PDF = tl.constexpr(float.fromhex("0x1.9884533d43651p-2"))
GELU_1 = tl.constexpr(float.fromhex("0x1.9884533d43651p+0"))
GELU_3 = tl.constexpr(float.fromhex("0x1.2444f2a4d8b4bp-4"))
GELU_9 = tl.constexpr(3.0 * float.fromhex("0x1.2444f2a4d8b4bp-4"))
ROOT_2 = tl.constexpr(float.fromhex("0x1.6a09e667f3bcdp+0"))
#: Of 2/3: where mantissas begin.
TWO_THIRDS = tl.constexpr(0x3FE5555555555555)
TINY = tl.constexpr(float.fromhex("0x1p-1022"))
LARGER = tl.constexpr(float.fromhex("0x1p54"))
LEAST_EXPM1 = tl.constexpr(float.fromhex("0x1p-54"))


@triton.jit
def number(x, c: tl.constexpr):
    """c, as many as `x`."""
    return tl.full(x.shape, c, tl.float64)


@triton.jit
def bits(x):
    return x.to(tl.int64, bitcast=True)


@triton.jit
def from_bits(n):
    return n.to(tl.float64, bitcast=True)


@triton.jit
def magnitude(x):
    return from_bits(bits(x) & 0x7FFFFFFFFFFFFFFF)


@triton.jit
def with_sign(x, sign):
    return from_bits((bits(x) & 0x7FFFFFFFFFFFFFFF) | (bits(sign) & -0x8000000000000000))


@triton.jit
def horner(x, C: tl.constexpr, N: tl.constexpr):
    """C[0] + C[1] x + ... + C[N] x**N"""
    y = number(x, C[N])
    for k in tl.static_range(N):
        y = tl.fma(y, x, number(x, C[N - 1 - k]))
    return y


@triton.jit
def two(n):
    return from_bits((n + 1023) << 52)


@triton.jit
def scaled(y, n):
    half = n >> 1
    return (y * two(half)) * two(n - half)


@triton.jit
def clamped(x, least: tl.constexpr, most: tl.constexpr):
    x = tl.where(x < least, number(x, least), x)
    return tl.where(x > most, number(x, most), x)


@triton.jit
def summed(a, b, low):
    sum = a + b
    return sum + (((a - sum) + b) + low)


@triton.jit
def nearest(x):
    """The nearest integer to x, as a number and as an integer; NaN gives NaN, and any integer."""
    whole = x + WHOLE
    return whole - WHOLE, ((bits(whole) - WHOLE_BITS) << 12) >> 12


@triton.jit
def reduced(x, low):
    """p and n: exp(x + low) = (1 + p) 2**n"""
    k, n = nearest(x * LOG2E)
    minus = negative(k)
    r = tl.fma(minus, number(x, LN2_HI), x) + tl.fma(minus, number(x, LN2_LO), low)
    return tl.fma(r * r, horner(r, EXP, 10), r), n


@triton.jit
def exp(x):
    y = clamped(x, -746.0, 710.0)
    k, n = nearest(y * LOG2E)
    k = negative(k)
    r = tl.fma(k, number(x, LN2_LO), tl.fma(k, number(x, LN2_HI), y))
    sum = 1.0 + r
    lost = (1.0 - sum) + r
    return scaled(sum + tl.fma(r * r, horner(r, EXP, 10), lost), n)


@triton.jit
def exp2(x):
    y = clamped(x, -1076.0, 1025.0)
    k, n = nearest(y)
    r = y - k
    return scaled(tl.fma(r, horner(r, EXP2, 11), number(x, 1.0)), n)


@triton.jit
def expm1(x):
    y = clamped(x, -40.0, 710.0)
    k, n = nearest(y * LOG2E)
    k = negative(k)
    near = tl.fma(k, number(x, LN2_HI), y)
    r = tl.fma(k, number(x, LN2_LO), near)
    low = tl.fma(k, number(x, LN2_LO), near - r)
    power = two(n - 1)
    rest = power - 0.5
    high = tl.fma(power, r, rest)
    lost = tl.fma(power, r, rest - high) + ((power - rest) - 0.5)
    value = high + tl.fma(power, tl.fma(r * r, horner(r, EXP, 10), low), lost)
    return tl.where(magnitude(x) < LEAST_EXPM1, x, value + value)


@triton.jit
def mantissa(x):
    """f and k: x = (1 + f) 2**k, of a positive finite x"""
    tiny = x < TINY
    pattern = bits(tl.where(tiny, x * LARGER, x))
    exponent = (pattern - TWO_THIRDS) >> 52
    k = (exponent - tl.where(tiny, 54, 0)).to(tl.float64)
    return from_bits(pattern - (exponent << 52)) - 1.0, k


@triton.jit
def log_rest(f):
    """log(1 + f) - f"""
    s = f / (2.0 + f)
    z = s * s
    square = (0.5 * f) * f
    return tl.fma(s, tl.fma(z, horner(z, LOG, 8), square), negative(square))


@triton.jit
def log_of_any(x, value):
    other = tl.where(x == 0.0, float("-inf"), tl.where(x == float("inf"), x, float("nan")))
    return tl.where((x > 0.0) & (x < float("inf")), value, other)


@triton.jit
def log(x):
    f, k = mantissa(x)
    return log_of_any(x, summed(k * LN2_SHORT, f, tl.fma(k, number(x, LN2_REST), log_rest(f))))


@triton.jit
def log2(x):
    f, k = mantissa(x)
    rest = log_rest(f)
    high = f * LOG2E
    low = tl.fma(f, number(x, LOG2E), negative(high)) + tl.fma(f, number(x, LOG2E_LO), rest * LOG2E)
    return log_of_any(x, summed(k, high, low))


@triton.jit
def log10(x):
    f, k = mantissa(x)
    rest = log_rest(f)
    high = f * LOG10E
    low = tl.fma(f, number(x, LOG10E), negative(high)) + tl.fma(f, number(x, LOG10E_LO), rest * LOG10E)
    return log_of_any(x, summed(k * LOG10_2_SHORT, high, tl.fma(k, number(x, LOG10_2_REST), low)))


@triton.jit
def log1p(x):
    u = 1.0 + x
    exponent = (bits(u) - TWO_THIRDS) >> 52
    half = exponent >> 1
    one, other, k = two(0 - half), two(half - exponent), exponent.to(tl.float64)
    part = x * one
    rest = one * other - 1.0
    f = tl.fma(part, other, rest)
    lost = tl.fma(part, other, rest - f)
    low = tl.fma(negative(f), lost, lost) + tl.fma(k, number(x, LN2_REST), log_rest(f))
    return tl.where(x == 0.0, x, log_of_any(u, summed(k * LN2_SHORT, f, low)))


@triton.jit
def tanh(x):
    a = magnitude(x)
    b = tl.where(a > 20.0, number(x, 20.0), a)
    z = b * b
    p, n = reduced(b + b, number(x, 0.0))
    power = two(n)
    large = 1.0 - number(x, 2.0) / tl.fma(p, power, power + 1.0)
    small = tl.fma(b * z, horner(z, TANH, 15), b)
    return with_sign(tl.where(b < 1.0, small, large), x)


@triton.jit
def sigmoid(x):
    a = magnitude(x)
    b = tl.where(a > 750.0, number(x, 750.0), a)
    p, n = reduced(b, number(x, 0.0))
    s = two(0 - tl.where(n > 1022, 1022, n))
    sum = s + 1.0
    d = sum + p
    q = number(x, 1.0) / d
    lost = ((sum - d) + p) + ((1.0 - sum) + s)
    minus = negative(q)
    w = tl.fma(q, tl.fma(minus, lost, tl.fma(minus, d, number(x, 1.0))), q)
    return tl.where(x < 0.0, scaled(w, 0 - n), tl.fma(negative(s), w, number(x, 1.0)))


@triton.jit
def tail_of(a, square, lost):
    """Phi(-a), 0 <= a, where a**2 / 2 = square + lost"""
    p, n = reduced(negative(square), negative(lost))
    g = horner(1.0 - (a + a) / (4.0 + a), NORMAL, 26)
    return scaled(tl.fma(g, p, g), n)


@triton.jit
def normal(x):
    """Phi(-|x|)"""
    a = magnitude(x)
    b = tl.where(a > 38.6, number(x, 38.6), a)
    square = b * b
    return tail_of(b, 0.5 * square, 0.5 * tl.fma(b, b, negative(square)))


@triton.jit
def erfc_of(a):
    """erfc(a), 0 <= a"""
    b = tl.where(a > 27.3, number(a, 27.3), a)
    square = b * b
    return 2.0 * tail_of(b * ROOT_2, square, tl.fma(b, b, negative(square)))


@triton.jit
def erf(x):
    a = magnitude(x)
    b = tl.where(a > 1.0, number(x, 1.0), a)
    small = tl.fma(b, horner(b * b, ERF, 13), b)
    return with_sign(tl.where(a < 1.0, small, 1.0 - erfc_of(a)), x)


@triton.jit
def erfc(x):
    a = magnitude(x)
    b = tl.where(a > 1.0, number(x, 1.0), a)
    tail = erfc_of(a)
    small = tl.fma(negative(x), horner(b * b, ERF, 13), 1.0 - x)
    return tl.where(a < 0.5, small, tl.where(x < 0.0, 2.0 - tail, tail))


@triton.jit
def gated(x, v):
    return tl.where(v < -750.0, x * 0.0, x * sigmoid(v))


@triton.jit
def silu(x):
    return gated(x, x)


@triton.jit
def gelu_tanh(x):
    return gated(x, x * tl.fma(x * x, number(x, GELU_3), number(x, GELU_1)))


@triton.jit
def softplus(x, beta, threshold):
    z = x * beta
    value = tl.where(z < 0.0, 0.0, z) + log1p(exp(negative(magnitude(z))))
    return tl.where(z > threshold, x, value / beta)


@triton.jit
def logsigmoid(x):
    return tl.where(x < 0.0, x, 0.0) - log1p(exp(negative(magnitude(x))))


@triton.jit
def tanh_softplus(x):
    e = exp(clamped(x, -800.0, 40.0))
    w = e * (e + 2.0)
    return w / (w + 2.0)


@triton.jit
def mish(x):
    return tl.where(x < -800.0, x * 0.0, x * tanh_softplus(x))


@triton.jit
def gelu(x):
    a = magnitude(x)
    above = tl.where(x > 0.0, x, x * 0.0)
    return above - tl.where(a > 38.6, number(x, 38.6), a) * normal(x)


@triton.jit
def gelu_slope(x):
    tail = normal(x)
    b = clamped(x, -38.6, 38.6)
    return tl.fma(b * PDF, exp(-0.5 * (b * b)), tl.where(x > 0.0, 1.0 - tail, tail))


@triton.jit
def gelu_tanh_slope(x):
    b = clamped(x, -22.0, 22.0)
    z = b * b
    v = b * tl.fma(z, number(x, GELU_3), number(x, GELU_1))
    s = sigmoid(v)
    slope = b * tl.fma(z, number(x, GELU_9), number(x, GELU_1))
    return tl.fma(s * sigmoid(negative(v)), slope, s)


@triton.jit
def silu_slope(x):
    return sigmoid(x) * tl.fma(x, sigmoid(negative(x)), number(x, 1.0))


@triton.jit
def mish_slope(x):
    y = clamped(x, -800.0, 40.0)
    e = exp(y)
    w = e * (e + 2.0)
    d = w + 2.0
    return tl.fma((4.0 * e) * (e + 1.0) / d, y / d, w / d)


@triton.jit
def lerp(a, b, w):
    return tl.where(magnitude(w) < 0.5, tl.fma(w, b - a, a), tl.fma(w - 1.0, b - a, b))


@triton.jit
def logit(x, eps):
    high = 1.0 - eps
    z = tl.where(eps < 0.0, x, tl.where(x < eps, eps, tl.where(x > high, high, x)))
    return log(z / (1.0 - z))


@triton.jit
def xlogy(x, y):
    return tl.where(y != y, y, tl.where(x == 0.0, 0.0, x * log(y)))
