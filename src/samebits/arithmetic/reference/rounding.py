"""IEEE-754 operations that numpy has not: the fused multiply-add, rounded once.

A product of two float32 is exact in float64.  The sum with the third is not always; rounded to odd, it can be
rounded once more to float32 without being rounded twice (Boldo and Melquiond, Emulation of FMA and correctly
rounded sums: proved algorithms using rounding to odd, 2008).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_ONE: Final = np.int64(1)


def fma(a: Any, b: Any, c: Any) -> Array:
    """a * b + c, rounded once: of float32 arrays, or of float64 ones; broadcast."""
    a, b, c = np.asarray(a), np.asarray(b), np.asarray(c)
    if a.dtype == np.float64:
        return _fma64(*np.broadcast_arrays(a, b, c))
    assert a.dtype == b.dtype == c.dtype == np.float32, (a.dtype, b.dtype, c.dtype)
    with np.errstate(all="ignore"):
        product, addend = a.astype(np.float64) * b.astype(np.float64), c.astype(np.float64)
        total = np.asarray(product + addend)
        # TwoSum: what the addition has lost, exactly.
        part = total - product
        lost = (product - (total - part)) + (addend - part)
        bits = total.view(np.int64)
        inexact = (lost != 0) & np.isfinite(total) & (bits & _ONE == 0)
        # The odd neighbour on the side of what was lost: up in magnitude if it has the total's sign.
        step = np.where((lost > 0) == (total > 0), _ONE, -_ONE)
        odd = np.where(inexact, bits + step, bits).view(np.float64)
        return odd.astype(np.float32)


def _fma64(a: Array, b: Array, c: Array) -> Array:
    """By the error-free sums of the paper; by exact fractions where a part could overflow or be lost."""
    with np.errstate(all="ignore"):
        plain = np.where(np.isfinite(a) & np.isfinite(b) & np.isinf(c), c, a * b + c)
        product, product_low = _two_product(a, b)
        part, part_low = _two_sum(c, product_low)
        total, total_low = _two_sum(product, part)
        result = total + _sum_to_odd(part_low, total_low)
        usual = _moderate(a) & _moderate(b) & (_moderate(c) | (c == 0))
        result = np.where(usual, result, plain)
    unusual = ~usual & (a != 0) & (b != 0) & np.isfinite(a) & np.isfinite(b) & np.isfinite(c)
    return _by_fractions(result, np.flatnonzero(unusual), a, b, c)


def _moderate(x: Array) -> Array:
    magnitude = np.abs(x)
    return np.asarray((magnitude < 2.0**300) & (magnitude > 2.0**-300))


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """Dekker's: the halves of 26 bits have exact products."""
    product = a * b
    a_high, b_high = _high(a), _high(b)
    a_low, b_low = a - a_high, b - b_high
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _high(x: Array) -> Array:
    large = x * (2.0**27 + 1)
    return np.asarray(large - (large - x))


def _sum_to_odd(a: Array, b: Array) -> Array:
    total, lost = _two_sum(a, b)
    bits = total.view(np.int64)
    step = np.where((lost > 0) == (total > 0), _ONE, -_ONE)
    return np.where((lost != 0) & (bits & _ONE == 0), bits + step, bits).view(np.float64)


def _by_fractions(result: Array, where: Array, a: Array, b: Array, c: Array) -> Array:
    flat, xs, ys, zs = result.reshape(-1), a.reshape(-1), b.reshape(-1), c.reshape(-1)
    for n in where:
        exact = Fraction(float(xs[n])) * Fraction(float(ys[n])) + Fraction(float(zs[n]))
        if exact != 0:
            try:
                flat[n] = exact.numerator / exact.denominator  # Python rounds such a division once
            except OverflowError:
                flat[n] = np.inf if exact > 0 else -np.inf
            if flat[n] == 0 and exact < 0:
                flat[n] = -0.0
    return flat.reshape(result.shape)
