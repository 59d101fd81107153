"""Numbers in Triton as IEEE-754 has them.

Triton takes -0.0 for 0.0, -x for 0.0 - x, and gives a division of float32 in another rounding unless asked.
A number that is given to a kernel is a float32 there; a float64 is given as its bits.
"""

from __future__ import annotations

import struct

import torch
import triton.language as tl

import triton


@triton.jit
def minus_zero(work: tl.constexpr):
    """-0.0, which no sum is changed by."""
    if work == tl.float64:
        zero = tl.full([], -0x8000000000000000, tl.int64).to(tl.float64, bitcast=True)
    else:
        zero = tl.full([], -0x80000000, tl.int32).to(tl.float32, bitcast=True)
    return zero


@triton.jit
def negative(x):
    """-x, of zero, too."""
    return x * -1.0


@triton.jit
def divided(x, y):
    """x / y of blocks of one type, rounded once."""
    if x.dtype == tl.float64:
        quotient = x / y
    else:
        quotient = tl.div_rn(x, y)
    return quotient


@triton.jit
def root(x):
    """The square root, rounded once."""
    if x.dtype == tl.float64:
        y = tl.sqrt(x)
    else:
        y = tl.sqrt_rn(x)
    return y


@triton.jit
def given(x, work: tl.constexpr):
    """A number that was given as `given_to` has it."""
    if work == tl.float64:
        number = x.to(tl.int64).to(tl.float64, bitcast=True)
    else:
        number = x
    return number


def given_to(x: float, dtype: torch.dtype) -> float | int:
    """A number for a kernel that computes in `dtype`; its parameter is not to be specialized."""
    if dtype is not torch.float64:
        return float(x)
    pattern: int = struct.unpack("<q", struct.pack("<d", x))[0]
    return pattern
