"""Sines, cosines, tangents and powers in Triton, in float64.

The formulas of `samebits.arithmetic.reference.wide`; of a float32 they are rounded to float32 at the end.
An argument of at least NEAR is reduced in integers.
"""

from __future__ import annotations

import triton.language as tl

import triton
from samebits.arithmetic._triton.numbers import negative
from samebits.arithmetic._triton.wide import (
    EXP2,
    LOG2E,
    LOG2E_LO,
    bits,
    clamped,
    from_bits,
    horner,
    magnitude,
    mantissa,
    nearest,
    number,
    scaled,
    two,
)
from samebits.arithmetic.reference import coefficients

SIN = tl.constexpr(coefficients.SIN_D)
COS = tl.constexpr(coefficients.COS_D)
SIN_S = tl.constexpr(coefficients.SIN_S)
COS_S = tl.constexpr(coefficients.COS_S)
POW_LOG = tl.constexpr(coefficients.POW_LOG)
POW_EXP = tl.constexpr(coefficients.POW_EXP)

PI = tl.constexpr(float.fromhex("0x1.921fb54442d18p+1"))
PIO2 = tl.constexpr(float.fromhex("0x1.921fb54442d18p+0"))
PIO2_LO = tl.constexpr(float.fromhex("0x1.1a62633145c07p-54"))
PIO2_LAST = tl.constexpr(float.fromhex("-0x1.f1976b7ed8fbcp-110"))
TWO_PI = tl.constexpr(float.fromhex("0x1.45f306dc9c883p-1"))
NEAR = tl.constexpr(float.fromhex("0x1p28"))
P30 = tl.constexpr(float.fromhex("0x1p-30"))
P62 = tl.constexpr(float.fromhex("0x1p-62"))
P94 = tl.constexpr(float.fromhex("0x1p-94"))
#: Of the root of 1/2: where a power's mantissas begin.
ROOT_HALF = tl.constexpr(0x3FE6A09E667F3BCD)
THIRDS = tl.constexpr(float.fromhex("0x1.5555555555555p-1"))
THIRDS_LOW = tl.constexpr(float.fromhex("0x1.5555555555555p-55"))
LOG_MORE = tl.constexpr(coefficients.LOG_D[1:])
SMALL_WHOLE = tl.constexpr(float.fromhex("0x1p24"))
WIDE_WHOLE = tl.constexpr(float.fromhex("0x1p53"))


@triton.jit
def near_angle(x):
    """high, low, quadrant: x = quadrant pi / 2 + high + low"""
    k, quadrant = nearest(x * TWO_PI)
    k = negative(k)
    part = tl.fma(k, number(x, PIO2), x)
    high = tl.fma(k, number(x, PIO2_LO), part)
    low = tl.fma(k, number(x, PIO2_LAST), tl.fma(k, number(x, PIO2_LO), part - high))
    return high, low, quadrant


@triton.jit
def pi_bits(table, first, mask):
    word, bit = first >> 6, (first & 63).to(tl.uint64)
    here = tl.load(table + word, mask=mask, other=0).to(tl.uint64, bitcast=True)
    after = tl.load(table + word + 1, mask=mask, other=0).to(tl.uint64, bitcast=True)
    return tl.where(bit == 0, here, (here << bit) | (after >> (63 - bit) >> 1))


@triton.jit
def far_angle(x, table, far):
    """As `near_angle`, where `far`: by 192 bits of 2 / pi."""
    pattern = bits(x)
    m = ((pattern & 0xFFFFFFFFFFFFF) | 0x10000000000000).to(tl.uint64)
    first = 64 + ((pattern >> 52) & 0x7FF) - 1075 - 2
    p0, p1 = pi_bits(table, first, far), pi_bits(table, first + 64, far)
    carried = tl.umulhi(m, pi_bits(table, first + 128, far))
    next = m * p1 + carried
    top = m * p0 + (tl.umulhi(m, p1) + (next < carried).to(tl.uint64))
    quadrant = ((top + 0x2000000000000000) >> 62).to(tl.int64)
    rest = (top - (quadrant.to(tl.uint64) << 62)).to(tl.int64, bitcast=True)
    a = (rest >> 32).to(tl.float64) * P30
    b = (rest & 0xFFFFFFFF).to(tl.float64) * P62
    c = (next >> 32).to(tl.int64).to(tl.float64) * P94
    sum = a + b
    high = sum + (((a - sum) + b) + c)
    lost = ((a - high) + b) + c
    turn = high * PIO2
    low = tl.fma(high, number(x, PIO2), negative(turn)) + tl.fma(high, number(x, PIO2_LO), lost * PIO2)
    below = pattern < 0
    return (
        tl.where(below, negative(turn), turn),
        tl.where(below, negative(low), low),
        tl.where(below, 0 - quadrant, quadrant),
    )


@triton.jit
def angle(x, table):
    high, low, quadrant = near_angle(x)
    far = (magnitude(x) >= NEAR) & (magnitude(x) < float("inf"))
    if tl.max(far.to(tl.int32), 0) > 0:
        far_high, far_low, far_quadrant = far_angle(x, table, far)
        high, low = tl.where(far, far_high, high), tl.where(far, far_low, low)
        quadrant = tl.where(far, far_quadrant, quadrant)
    high = tl.where(magnitude(x) < float("inf"), high, float("nan"))
    return high, low, quadrant


@triton.jit
def sine(r, low):
    z = r * r
    return r + tl.fma(r * z, horner(z, SIN, 6), tl.fma(-0.5 * z, low, low))


@triton.jit
def cosine(r, low):
    z = r * r
    half = 0.5 * z
    w = 1.0 - half
    return w + (((1.0 - w) - half) + tl.fma(z * z, horner(z, COS, 5), negative(r) * low))


@triton.jit
def short_sine(r):
    z = r * r
    return r * tl.fma(z, horner(z, SIN_S, 3), number(r, 1.0))


@triton.jit
def short_cosine(r):
    z = r * r
    return tl.fma(z, tl.fma(z, horner(z, COS_S, 3), number(r, -0.5)), number(r, 1.0))


@triton.jit
def turned(s, c, quadrant, FUNCTION: tl.constexpr):
    """From sine and cosine of the rest."""
    odd = (quadrant & 1) == 1
    if FUNCTION == "tan":
        value = tl.where(odd, negative(c) / s, s / c)
    elif FUNCTION == "sin":
        value = tl.where(odd, c, s)
        value = tl.where((quadrant & 2) == 2, negative(value), value)
    else:
        value = tl.where(odd, s, c)
        value = tl.where(((quadrant + 1) & 2) == 2, negative(value), value)
    return value


@triton.jit
def trigonometric(x, table, FUNCTION: tl.constexpr):
    """Of a float32 or a float64; `table` has 2 / pi in words of 64 bits, after 64 zeros."""
    if FUNCTION == "sinc":
        wide = x.to(tl.float64)
        t = PI * wide
        high, low, quadrant = angle(t, table)
        value = turned(sine(high, low), cosine(high, low), quadrant, "sin")
        value = tl.where((t == 0.0) & (value == 0.0), t, value)
        result = tl.where(wide == 0.0, 1.0, value / t).to(x.dtype)
    elif x.dtype == tl.float64:
        high, low, quadrant = angle(x, table)
        value = turned(sine(high, low), cosine(high, low), quadrant, FUNCTION)
        result = tl.where((x == 0.0) & (value == 0.0), x, value)
    else:
        high, _, quadrant = angle(x.to(tl.float64), table)
        result = turned(short_sine(high), short_cosine(high), quadrant, FUNCTION).to(tl.float32)
    return result


@triton.jit
def power_of_any(x, y, value, whole, odd):
    """x**y of any: `value` is exp2(y log2(|x|)), where that says anything."""
    a, b = magnitude(x), magnitude(y)
    end = tl.where((a == 0.0) == (y > 0.0), 0.0, float("inf"))
    result = tl.where((a == 0.0) | (a == float("inf")), end.to(tl.float64), value)
    wrong = (x != x) | (y != y) | ((x < 0.0) & (x > float("-inf")) & (whole == 0))
    result = tl.where(wrong, float("nan"), result)
    result = tl.where(odd & (bits(x) < 0), negative(result), result)
    result = tl.where((a == 1.0) & (b == float("inf")), 1.0, result)
    return tl.where((y == 0.0) | (x == 1.0), 1.0, result)


@triton.jit
def pow32(x, y):
    """x**y of float32."""
    wide, exponent_of = x.to(tl.float64), y.to(tl.float64)
    pattern = bits(magnitude(wide))
    exponent = (pattern - ROOT_HALF) >> 52
    m = from_bits(pattern - (exponent << 52))
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    log2 = tl.fma(s, horner(z, POW_LOG, 6), exponent.to(tl.float64))
    e = clamped(exponent_of * log2, -200.0, 200.0)
    k, n = nearest(e)
    r = e - k
    value = tl.fma(r, horner(r, POW_EXP, 7), number(r, 1.0)) * two(n)
    b = tl.where(tl.abs(y) < SMALL_WHOLE, y, 0.0)
    integer = b.to(tl.int32)
    whole = integer.to(tl.float32) == b
    return power_of_any(wide, exponent_of, value, whole, whole & ((integer & 1) == 1)).to(tl.float32)


@triton.jit
def log2_long(x):
    """high and low of log2(|x|)"""
    f, k = mantissa(magnitude(x))
    d = 2.0 + f
    s = f / d
    minus = negative(s)
    s_low = tl.fma(minus, (2.0 - d) + f, tl.fma(minus, d, f)) / d
    z = s * s
    z_low = tl.fma(s, s, negative(z)) + 2.0 * (s * s_low)
    more = z * horner(z, LOG_MORE, 7)
    a = THIRDS + more
    a_low = ((THIRDS - a) + more) + THIRDS_LOW
    b = z * a
    b_low = tl.fma(z, a, negative(b)) + tl.fma(z, a_low, z_low * a)
    c = 2.0 + b
    c_low = ((2.0 - c) + b) + b_low
    g = s * c
    g_low = tl.fma(s, c, negative(g)) + tl.fma(s, c_low, s_low * c)
    h = g * LOG2E
    h_low = tl.fma(g, number(x, LOG2E), negative(h)) + tl.fma(g, number(x, LOG2E_LO), g_low * LOG2E)
    sum = k + h
    rest = ((k - sum) + h) + h_low
    high = sum + rest
    return high, (sum - high) + rest


@triton.jit
def pow64(x, y):
    """x**y of float64."""
    high, low = log2_long(x)
    e = y * high
    e_low = tl.fma(y, high, negative(e)) + y * low
    c = clamped(e, -1100.0, 1100.0)
    k, n = nearest(c)
    r = (c - k) + tl.where(c == e, e_low, 0.0)
    value = scaled(1.0 + r * horner(r, EXP2, 11), n)
    b = tl.where(magnitude(y) < WIDE_WHOLE, y, 0.0)
    integer = b.to(tl.int64)
    whole = integer.to(tl.float64) == b
    return power_of_any(x, y, value, whole, whole & ((integer & 1) == 1))
