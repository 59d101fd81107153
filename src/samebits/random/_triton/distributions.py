"""Words into numbers in Triton, as `samebits.random.one_word` and `.quantile` define them.

    integer       low + word % size                          without a sign, modulo the type's bits
    uniform       (word & (2**d - 1)) * 2**-d * a + b
    normal        sign(word) * quantile(magnitude) * a + b
    exponential   quantile(magnitude) / a
    bernoulli     word < low
    dropout       x * (word < low ? a : 0)
    truncated     clamp(quantile(o) * a + b, least, most)    o = low + (word * size >> 64), in float64
    quantile      ((c6 t + c5) t + ...) t + c0               of the table's row; float64: from c11

Every product, sum and quotient is rounded on its own, in float32 or float64, and the result once more to a
type of 16 bits.  bfloat16 is made in integers: the interpreter's conversion cuts off.

Legend: d the bits of a uniform number; a, b, low, size, least, most: `Parameters`', whose range is size.
"""

from __future__ import annotations

from typing import Any

import triton.language as tl

import triton
from samebits.random.one_word import Distribution
from samebits.random.quantile import DOUBLE, SINGLE

INTEGER = tl.constexpr(int(Distribution.INTEGER))
UNIFORM = tl.constexpr(int(Distribution.UNIFORM))
NORMAL = tl.constexpr(int(Distribution.NORMAL))
EXPONENTIAL = tl.constexpr(int(Distribution.EXPONENTIAL))
BERNOULLI = tl.constexpr(int(Distribution.BERNOULLI))
DROPOUT = tl.constexpr(int(Distribution.DROPOUT))
TRUNCATED = tl.constexpr(int(Distribution.TRUNCATED))


def _pattern(grid: Any, x: float) -> int:
    return int(grid.numpy(x).view(f"i{grid.dtype.itemsize}"))


# Of each grid: what `quantile.quantile` takes from it.  Positive numbers are ordered as their bits are.
ROWS_32 = tl.constexpr(SINGLE.rows)
DEGREE_32 = tl.constexpr(SINGLE.degree)
SHIFT_32 = tl.constexpr(SINGLE.shift)
FIRST_32 = tl.constexpr(SINGLE.first)
BELOW_32 = tl.constexpr((1 << SINGLE.shift) - 1)
END_32 = tl.constexpr(1 + 1 / SINGLE.segments)
ONE_32 = tl.constexpr(_pattern(SINGLE, 1.0))
MOST_32 = tl.constexpr(_pattern(SINGLE, SINGLE.most))
ROWS_64 = tl.constexpr(DOUBLE.rows)
DEGREE_64 = tl.constexpr(DOUBLE.degree)
SHIFT_64 = tl.constexpr(DOUBLE.shift)
FIRST_64 = tl.constexpr(DOUBLE.first)
BELOW_64 = tl.constexpr((1 << DOUBLE.shift) - 1)
END_64 = tl.constexpr(1 + 1 / DOUBLE.segments)
ONE_64 = tl.constexpr(_pattern(DOUBLE, 1.0))
MOST_64 = tl.constexpr(_pattern(DOUBLE, DOUBLE.most))


@triton.jit
def quantile32(word, table):
    """float32, positive; `word` uint32, whose highest bit does not count."""
    x = (word & 0x7FFFFFFF).to(tl.int32).to(tl.float32) + 0.5
    bits = tl.minimum(x.to(tl.int32, bitcast=True), MOST_32)
    row = (bits >> SHIFT_32) - FIRST_32
    t = END_32 - ((bits & BELOW_32) | ONE_32).to(tl.float32, bitcast=True)
    z = tl.load(table + DEGREE_32 * ROWS_32 + row)
    for power in tl.static_range(DEGREE_32):
        z = z * t
        z = z + tl.load(table + (DEGREE_32 - 1 - power) * ROWS_32 + row)
    return z


@triton.jit
def quantile64(word, table):
    """float64, positive; `word` uint64, whose highest bit does not count."""
    x = (word & 0x7FFFFFFFFFFFFFFF).to(tl.int64).to(tl.float64) + 0.5
    bits = tl.minimum(x.to(tl.int64, bitcast=True), MOST_64)
    row = (bits >> SHIFT_64) - FIRST_64
    t = END_64 - ((bits & BELOW_64) | ONE_64).to(tl.float64, bitcast=True)
    z = tl.load(table + DEGREE_64 * ROWS_64 + row)
    for power in tl.static_range(DEGREE_64):
        z = z * t
        z = z + tl.load(table + (DEGREE_64 - 1 - power) * ROWS_64 + row)
    return z


@triton.jit
def brain(x):
    """The bits of the bfloat16 nearest to a float32, halves to the even one; int16."""
    bits = x.to(tl.uint32, bitcast=True)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return tl.where((bits & 0x7FFFFFFF) > 0x7F800000, 0x7FC0, rounded).to(tl.int16)


@triton.jit
def unbrain(bits):
    """The float32 of a bfloat16's bits."""
    return (bits.to(tl.uint16, bitcast=True).to(tl.uint32) << 16).to(tl.float32, bitcast=True)


@triton.jit
def integer(word, low, size, RANGED: tl.constexpr):
    if RANGED:
        word = word % size.to(word.dtype)
    return word + low.to(word.dtype)


@triton.jit
def single(word, table, a, b, DISTRIBUTION: tl.constexpr, BITS: tl.constexpr):
    """float32 of a word of 32 bits."""
    if DISTRIBUTION == UNIFORM:
        unit = (word & ((1 << BITS) - 1)).to(tl.int32).to(tl.float32) * (1.0 / (1 << BITS))
        z = unit * a
        z = z + b
    elif DISTRIBUTION == NORMAL:
        z = quantile32(word, table)
        z = tl.where((word >> 31) == 1, -z, z)
        z = z * a
        z = z + b
    else:
        z = quantile32(word, table)
        z = tl.div_rn(z, tl.zeros_like(z) + a)
    return z


@triton.jit
def double(word, table, a, b, DISTRIBUTION: tl.constexpr, BITS: tl.constexpr):
    """float64 of a word of 64 bits; `a` and `b` are float64."""
    if DISTRIBUTION == UNIFORM:
        unit = (word & ((1 << BITS) - 1)).to(tl.int64).to(tl.float64) * (1.0 / (1 << BITS))
        z = unit * a
        z = z + b
    elif DISTRIBUTION == NORMAL:
        z = quantile64(word, table)
        z = tl.where((word >> 63) == 1, -z, z)
        z = z * a
        z = z + b
    else:
        z = quantile64(word, table)
        z = z / (tl.zeros_like(z) + a)
    return z


@triton.jit
def truncated(word, table, a, b, low, size, least, most, RANGED: tl.constexpr):
    """float64 of a word of 64 bits; `a`, `b`, `least` and `most` are float64."""
    ordered = word
    if RANGED:
        ordered = tl.umulhi(word, tl.zeros_like(word) + size.to(tl.uint64))
    ordered = ordered + low.to(tl.uint64)
    upper = (ordered >> 63) == 1
    z = quantile64(tl.where(upper, ordered ^ 0xFFFFFFFFFFFFFFFF, ordered), table)
    x = tl.where(upper, z, -z) * a
    x = x + b
    x = tl.where(x > least, x, least)
    return tl.where(x < most, x, most)


@triton.jit
def real(bits):
    """The float64 of these bits."""
    return bits.to(tl.int64).to(tl.float64, bitcast=True)


@triton.jit
def number(
    word, x, table, a, b, low, size, least, most, kind: tl.constexpr,
    DISTRIBUTION: tl.constexpr, BITS: tl.constexpr, RANGED: tl.constexpr, BRAIN: tl.constexpr,
):  # fmt: skip
    """Numbers as they lie in memory.

    Args:
        word: uint32, or uint64.
        x: dropout: what is masked, as it lies in memory.
        a, b: numbers; where the distribution computes in float64, the bits of one.
        least, most: the bits of a float64.
        kind: the type in memory.
        BRAIN: it is int16 and stands for bfloat16.
    """
    if DISTRIBUTION == INTEGER:
        made = integer(word, low, size, RANGED).to(kind)
    elif DISTRIBUTION == BERNOULLI:
        ones = word.to(tl.int64) < low
        made = tl.where(ones, 0x3F80, 0).to(kind) if BRAIN else ones.to(kind)
    elif DISTRIBUTION == DROPOUT:
        kept = word.to(tl.int64) < low
        if kind == tl.float64:
            scale = tl.where(kept, real(a), 0.0)
            made = x * scale
        else:
            scale = tl.where(kept, a, 0.0)
            made = unbrain(x) * scale if BRAIN else x.to(tl.float32) * scale
            made = brain(made) if BRAIN else made.to(kind)
    elif DISTRIBUTION == TRUNCATED:
        made = truncated(word, table, real(a), real(b), low, size, real(least), real(most), RANGED)
        if kind != tl.float64:
            made = made.to(tl.float32)
            made = brain(made) if BRAIN else made.to(kind)
    elif kind == tl.float64:
        made = double(word, table, real(a), real(b), DISTRIBUTION, BITS)
    else:
        made = single(word, table, a, b, DISTRIBUTION, BITS)
        made = brain(made) if BRAIN else made.to(kind)
    return made
