"""Functions of a float32 in Triton: the formulas of `samebits.arithmetic.reference.functions`.

Every operation is rounded as it is written, and what is fused is written `tl.fma`.  Blocks in, blocks out.
"""

from __future__ import annotations

import triton.language as tl

import triton
from samebits.arithmetic._triton.numbers import negative
from samebits.arithmetic.reference import coefficients

EXP = tl.constexpr(coefficients.EXP)
EXPM1 = tl.constexpr(coefficients.EXPM1)
EXP2 = tl.constexpr(coefficients.EXP2)
LOG = tl.constexpr(coefficients.LOG)
LOG2 = tl.constexpr(coefficients.LOG2)
LOG10 = tl.constexpr(coefficients.LOG10)
TANH = tl.constexpr(coefficients.TANH)
ERF = tl.constexpr(coefficients.ERF)
ERFC = tl.constexpr(coefficients.ERFC)
NORMAL = tl.constexpr(coefficients.NORMAL)

LN2_HI = tl.constexpr(float.fromhex("0x1.62e43p-1"))
LN2_LO = tl.constexpr(float.fromhex("-0x1.05c61p-29"))
LOG2E = tl.constexpr(float.fromhex("0x1.715476p+0"))
LOG2E_LO = tl.constexpr(float.fromhex("0x1.4ae0cp-26"))
LOG10E = tl.constexpr(float.fromhex("0x1.bcb7b2p-2"))
LOG10E_LO = tl.constexpr(float.fromhex("-0x1.5b235ep-27"))
#: Times an exponent it is exact; the rest of ln(2).
LN2_SHORT = tl.constexpr(float.fromhex("0x1.62ep-1"))
LN2_REST = tl.constexpr(float.fromhex("0x1.0bfbe8p-15"))
LOG10_2_SHORT = tl.constexpr(float.fromhex("0x1.344p-2"))
LOG10_2_REST = tl.constexpr(float.fromhex("0x1.3509f8p-18"))
#: x + this - this is x to the nearest integer.
WHOLE = tl.constexpr(float.fromhex("0x1.8p+23"))
WHOLE_BITS = tl.constexpr(0x4B400000)
GELU_1 = tl.constexpr(float.fromhex("0x1.988454p+0"))
GELU_3 = tl.constexpr(float.fromhex("0x1.2444f2p-4"))
GELU_9 = tl.constexpr(float.fromhex("0x1.b6676cp-3"))
PDF = tl.constexpr(float.fromhex("0x1.988454p-2"))
#: Of 2/3: where mantissas begin.
TWO_THIRDS = tl.constexpr(0x3F2AAAAB)
TINY = tl.constexpr(float.fromhex("0x1p-126"))
LEAST_EXPM1 = tl.constexpr(float.fromhex("0x1p-25"))


@triton.jit
def bits(x):
    return x.to(tl.int32, bitcast=True)


@triton.jit
def from_bits(n):
    return n.to(tl.float32, bitcast=True)


@triton.jit
def magnitude(x):
    return from_bits(bits(x) & 0x7FFFFFFF)


@triton.jit
def with_sign(x, sign):
    return from_bits((bits(x) & 0x7FFFFFFF) | (bits(sign) & -0x80000000))


@triton.jit
def horner(x, C: tl.constexpr, N: tl.constexpr):
    """C[0] + C[1] x + ... + C[N] x**N"""
    y = tl.full(x.shape, C[N], tl.float32)
    for k in tl.static_range(N):
        y = tl.fma(y, x, C[N - 1 - k])
    return y


@triton.jit
def two(n):
    """2**n, -126 <= n <= 127"""
    return from_bits((n + 127) << 23)


@triton.jit
def scaled(y, n):
    half = n >> 1
    return (y * two(half)) * two(n - half)


@triton.jit
def lowered(y, n):
    """y * 2**n, -190 <= n <= 63, rounded once where y is about 1 or less"""
    return (y * two(n + 64)) * 5.421010862427522e-20


@triton.jit
def exp_tail(r):
    low = tl.fma(r, EXP[1], EXP[0])
    high = tl.fma(r, EXP[3], EXP[2])
    z = r * r
    return tl.fma(z, tl.fma(z, EXP[4], high), low)


@triton.jit
def reduced(x):
    """p and n: exp(x) = (1 + p) 2**n"""
    whole = tl.fma(x, LOG2E, WHOLE)
    k = negative(whole - WHOLE)
    r = tl.fma(k, LN2_LO, tl.fma(k, LN2_HI, x))
    return tl.fma(r * r, exp_tail(r), r), bits(whole) - WHOLE_BITS


@triton.jit
def clamped(x, least, most):
    x = tl.where(x < least, least, x)
    return tl.where(x > most, most, x)


@triton.jit
def exp(x):
    y = clamped(x, -105.0, 89.0)
    whole = tl.fma(y, LOG2E, WHOLE)
    k = negative(whole - WHOLE)
    r = tl.fma(k, LN2_LO, tl.fma(k, LN2_HI, y))
    sum = 1.0 + r
    lost = (1.0 - sum) + r
    return scaled(sum + tl.fma(r * r, exp_tail(r), lost), bits(whole) - WHOLE_BITS)


@triton.jit
def exp2(x):
    y = clamped(x, -151.0, 129.0)
    whole = y + WHOLE
    r = y - (whole - WHOLE)
    return scaled(tl.fma(r, horner(r, EXP2, 5), 1.0), bits(whole) - WHOLE_BITS)


@triton.jit
def expm1(x):
    y = clamped(x, -20.0, 89.0)
    whole = tl.fma(y, LOG2E, WHOLE)
    k = negative(whole - WHOLE)
    near = tl.fma(k, LN2_HI, y)
    r = tl.fma(k, LN2_LO, near)
    low = tl.fma(k, LN2_LO, near - r)
    power = two(bits(whole) - (WHOLE_BITS + 1))
    rest = power - 0.5
    high = tl.fma(power, r, rest)
    lost = tl.fma(power, r, rest - high) + ((power - rest) - 0.5)
    tail = tl.fma(r * r, horner(r, EXPM1, 5), low)
    value = high + tl.fma(power, tail, lost)
    return tl.where(magnitude(x) < LEAST_EXPM1, x, value + value)


@triton.jit
def mantissa(x):
    """f and k: x = (1 + f) 2**k, 2/3 <= 1 + f < 4/3, of a positive finite x"""
    tiny = x < TINY
    pattern = bits(tl.where(tiny, x * 8388608.0, x))
    exponent = (pattern - TWO_THIRDS) >> 23
    k = (exponent - tl.where(tiny, 23, 0)).to(tl.float32)
    return from_bits(pattern - (exponent << 23)) - 1.0, k


@triton.jit
def log_of_any(x, value):
    """`value`, which is right for a positive finite x, or log(x) of another."""
    other = tl.where(x == 0.0, float("-inf"), tl.where(x == float("inf"), x, float("nan")))
    return tl.where((x > 0.0) & (x < float("inf")), value, other)


@triton.jit
def summed(a, b, low):
    """a + b + low, |a| >= |b| or a = 0"""
    sum = a + b
    return sum + (((a - sum) + b) + low)


@triton.jit
def log(x):
    f, k = mantissa(x)
    t = horner(f, LOG, 8)
    return log_of_any(x, summed(k * LN2_SHORT, f, tl.fma(f * f, t, k * LN2_REST)))


@triton.jit
def log2(x):
    f, k = mantissa(x)
    t = horner(f, LOG2, 8)
    high = f * LOG2E
    low = tl.fma(f, LOG2E, negative(high)) + f * LOG2E_LO
    return log_of_any(x, summed(k, high, tl.fma(f * f, t, low)))


@triton.jit
def log10(x):
    f, k = mantissa(x)
    t = horner(f, LOG10, 9)
    high = f * LOG10E
    square = f * f
    low = tl.fma(f, LOG10E, negative(high)) + f * LOG10E_LO
    rest = tl.fma(tl.fma(f, f, negative(square)), t, tl.fma(k, LOG10_2_REST, low))
    return log_of_any(x, summed(k * LOG10_2_SHORT, high, tl.fma(square, t, rest)))


@triton.jit
def log1p(x):
    u = 1.0 + x
    exponent = (bits(u) - TWO_THIRDS) >> 23
    half = exponent >> 1
    one, other, k = two(0 - half), two(half - exponent), exponent.to(tl.float32)
    part = x * one
    rest = one * other - 1.0
    f = tl.fma(part, other, rest)
    lost = tl.fma(part, other, rest - f)
    low = tl.fma(negative(f), lost, lost) + k * LN2_REST
    value = summed(k * LN2_SHORT, f, tl.fma(f * f, horner(f, LOG, 8), low))
    return tl.where(x == 0.0, x, log_of_any(u, value))


@triton.jit
def tanh(x):
    a = magnitude(x)
    b = tl.where(a > 10.0, 10.0, a)
    z = b * b
    p, n = reduced(b + b)
    power = two(n)
    large = 1.0 - tl.div_rn(tl.full(x.shape, 2.0, tl.float32), tl.fma(p, power, power + 1.0))
    small = tl.fma(b * z, horner(z, TANH, 6), b)
    return with_sign(tl.where(b < 1.0, small, large), x)


@triton.jit
def logistic(a):
    """w, s and n: sigmoid(-a) = 2**-n w = s w, 0 <= a <= 110"""
    p, n = reduced(a)
    s = two(0 - tl.where(n > 126, 126, n))
    sum = s + 1.0
    d = sum + p
    q = tl.div_rn(tl.full(a.shape, 1.0, tl.float32), d)
    lost = ((sum - d) + p) + ((1.0 - sum) + s)
    minus = negative(q)
    return tl.fma(q, tl.fma(minus, lost, tl.fma(minus, d, 1.0)), q), s, n


@triton.jit
def at_most(x, most):
    """|x|, or `most` if that is less, or if x is NaN"""
    a = magnitude(x)
    return tl.where(a < most, a, most)


@triton.jit
def sigmoids(v):
    """sigmoid(v), and sigmoid(-v); v is not NaN"""
    w, s, n = logistic(at_most(v, 110.0))
    small, large = lowered(w, 0 - n), tl.fma(negative(s), w, 1.0)
    return tl.where(v < 0.0, small, large), tl.where(v < 0.0, large, small)


@triton.jit
def sigmoid(x):
    value, _ = sigmoids(x)
    return tl.where(x != x, x, value)


@triton.jit
def above_zero(x):
    """x for x > 0, otherwise 0 of its sign, or NaN"""
    return tl.where(x > 0.0, x, x * 0.0)


@triton.jit
def gated(x, v):
    """x sigmoid(v), v of the sign of x"""
    w, _, n = logistic(at_most(v, 110.0))
    return above_zero(x) - lowered(at_most(x, 110.0) * w, 0 - n)


@triton.jit
def silu(x):
    return gated(x, x)


@triton.jit
def gelu_tanh(x):
    return gated(x, x * tl.fma(x * x, GELU_3, GELU_1))


@triton.jit
def softplus(x, beta, threshold):
    z = x * beta
    value = tl.where(z < 0.0, 0.0, z) + log1p(exp(negative(magnitude(z))))
    return tl.where(z > threshold, x, tl.div_rn(value, tl.full(x.shape, 0.0, tl.float32) + beta))


@triton.jit
def logsigmoid(x):
    return tl.where(x < 0.0, x, 0.0) - log1p(exp(negative(magnitude(x))))


@triton.jit
def mish(x):
    y = clamped(x, -110.0, 20.0)
    p, n = reduced(y)
    m = 1.0 + p
    power = scaled(tl.full(x.shape, 1.0, tl.float32), n)
    w = m * tl.fma(power, m, 2.0)
    value = scaled(tl.div_rn(y * w, tl.fma(power, w, 2.0)), n)
    return tl.where(x > 20.0, x, tl.where(x < -110.0, x * 0.0, value))


@triton.jit
def erf(x):
    a = magnitude(x)
    b = tl.where(a > 3.95, 3.95, a)
    small = tl.fma(b, horner(b * b, ERF, 6), b)
    c, minus = horner(b, ERFC, 6), negative(b)
    y = minus * c
    e = exp(y)
    large = 1.0 - tl.fma(e, tl.fma(minus, c, negative(y)), e)
    return with_sign(tl.where(b < 1.0, small, large), x)


@triton.jit
def normal(x):
    """p, g and n: with a = |x|, Phi(-a) = (1 + p) g 2**n"""
    b = at_most(x, 14.5)
    square = b * b
    lost = tl.fma(b, b, negative(square))
    y = -0.5 * square
    whole = tl.fma(y, LOG2E, WHOLE)
    k = negative(whole - WHOLE)
    r = tl.fma(k, LN2_HI, y) + tl.fma(k, LN2_LO, -0.5 * lost)
    u = 1.0 - tl.div_rn(b + b, 4.0 + b)
    return tl.fma(r * r, exp_tail(r), r), horner(u, NORMAL, 9), bits(whole) - WHOLE_BITS


@triton.jit
def gelu(x):
    p, g, n = normal(x)
    part = at_most(x, 14.5) * g
    return above_zero(x) - lowered(tl.fma(part, p, part), n)


@triton.jit
def gelu_slope(x):
    p, g, n = normal(x)
    tail = lowered(tl.fma(g, p, g), n)
    part = at_most(x, 14.5) * PDF
    density = lowered(tl.fma(part, p, part), n)
    return tl.where(x > 0.0, (1.0 - tail) + density, tl.where(x <= 0.0, tail - density, x))


@triton.jit
def gelu_tanh_slope(x):
    b = clamped(x, -11.0, 11.0)
    z = b * b
    s, other = sigmoids(b * tl.fma(z, GELU_3, GELU_1))
    return tl.fma(s * other, b * tl.fma(z, GELU_9, GELU_1), s)


@triton.jit
def silu_slope(x):
    s, other = sigmoids(x)
    return s * tl.fma(x, other, 1.0)


@triton.jit
def mish_slope(x):
    y = clamped(x, -110.0, 20.0)
    e = exp(y)
    w = e * (e + 2.0)
    d = w + 2.0
    return tl.fma(tl.div_rn((4.0 * e) * (e + 1.0), d), tl.div_rn(y, d), tl.div_rn(w, d))


@triton.jit
def lerp(a, b, w):
    return tl.where(magnitude(w) < 0.5, tl.fma(w, b - a, a), tl.fma(w - 1.0, b - a, b))


@triton.jit
def logit(x, eps):
    high = 1.0 - eps
    z = tl.where(eps < 0.0, x, tl.where(x < eps, eps, tl.where(x > high, high, x)))
    return log(tl.div_rn(z, 1.0 - z))


@triton.jit
def xlogy(x, y):
    return tl.where(y != y, y, tl.where(x == 0.0, 0.0, x * log(y)))
