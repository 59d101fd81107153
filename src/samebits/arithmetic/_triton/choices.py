"""Choices between numbers in Triton: the formulas of reference/choices.py."""

from __future__ import annotations

import triton.language as tl

import triton
from samebits.arithmetic._triton.numbers import divided, negative


@triton.jit
def _joined(a, b, LARGER: tl.constexpr):
    """a & b or a | b of the bits."""
    if a.dtype == tl.float64:
        x, y = a.to(tl.int64, bitcast=True), b.to(tl.int64, bitcast=True)
    else:
        x, y = a.to(tl.int32, bitcast=True), b.to(tl.int32, bitcast=True)
    if LARGER:
        joined = x & y
    else:
        joined = x | y
    return joined.to(a.dtype, bitcast=True)


@triton.jit
def maximum(a, b):
    """The larger; NaN if either is; +0 of zeros of both signs."""
    return tl.where(a != a, a, tl.where(a == b, _joined(a, b, True), tl.where(a > b, a, b)))


@triton.jit
def minimum(a, b):
    """The smaller; NaN if either is; -0 of zeros of both signs."""
    return tl.where(a != a, a, tl.where(a == b, _joined(a, b, False), tl.where(a < b, a, b)))


@triton.jit
def hardsigmoid(a):
    b = a + 3.0
    c = tl.where(b <= 0.0, 0.0, b)
    return divided(tl.where(c > 6.0, 6.0, c), tl.full(a.shape, 6.0, a.dtype))


@triton.jit
def div_floor(a, b, MOST: tl.constexpr):
    q = divided(a, b)
    whole = tl.floor(q)
    rest = tl.where(whole == 0.0, a, tl.fma(negative(whole), b, a))
    above = (rest != 0.0) & ((rest < 0.0) != (b < 0.0)) & (whole < MOST) & (whole > -MOST)
    infinite = (a == float("inf")) | (a == float("-inf"))
    return tl.where(infinite & (b != 0.0), float("nan"), tl.where(above, whole - 1.0, whole))


@triton.jit
def chosen(NAME: tl.constexpr, a, b, c, p0, p1):
    """By name: an operation of native/choices.h."""
    if NAME == "maximum":
        y = maximum(a, b)
    elif NAME == "minimum":
        y = minimum(a, b)
    elif NAME == "fmax":
        y = tl.where(b != b, a, tl.where(a != a, b, maximum(a, b)))
    elif NAME == "fmin":
        y = tl.where(b != b, a, tl.where(a != a, b, minimum(a, b)))
    elif NAME == "relu":
        y = tl.where(a <= 0.0, 0.0, a)
    elif NAME == "clamp_min":
        y = maximum(a, p0)
    elif NAME == "clamp_max":
        y = minimum(a, p0)
    elif NAME == "clamp_numbers":
        y = minimum(maximum(a, p0), p1)
    elif NAME == "clamp":
        y = minimum(maximum(a, b), c)
    elif NAME == "softshrink":
        inside = tl.where(a != a, a, 0.0)
        y = tl.where(a > p0, a - p0, tl.where(a < negative(p0), a + p0, inside))
    elif NAME == "hardsigmoid":
        y = hardsigmoid(a)
    elif NAME == "hardsigmoid_backward":
        y = tl.where((b > -3.0) & (b < 3.0), divided(a, tl.full(a.shape, 6.0, a.dtype)), 0.0)
    elif NAME == "hardswish":
        y = a * hardsigmoid(a)
    elif NAME == "div_floor":
        if a.dtype == tl.float64:
            y = div_floor(a, b, 9007199254740992.0)
        else:
            y = div_floor(a, b, 16777216.0)
    else:
        q = divided(a, b)
        y = tl.where(q < 0.0, negative(tl.floor(negative(q))), tl.floor(q))
    return y
