"""Philox4x32-10 in Triton: the words of many calls, as `samebits.random.philox` defines them.

    (c0, c1, c2, c3) = (n low, n high, s low, s high), (k0, k1) = (seed low, seed high)
    10 times:  c0, c1, c2, c3 = high(M1 c2) ^ c1 ^ k0, low(M1 c2), high(M0 c0) ^ c3 ^ k1, low(M0 c0)
               k0, k1 = k0 + W0, k1 + W1

A product of two words is taken in 64 bits, which a GPU makes in one instruction.

Legend: n a call's number with the key's offset, modulo 2**64; s its subsequence; a call gives four words of
32 bits or two of 64.
"""

from __future__ import annotations

import triton.language as tl

import triton
from samebits.random.philox import MULTIPLIERS, ROUNDS, WEYL

M0 = tl.constexpr(MULTIPLIERS[0])
M1 = tl.constexpr(MULTIPLIERS[1])
W0 = tl.constexpr(WEYL[0])
W1 = tl.constexpr(WEYL[1])
TIMES = tl.constexpr(ROUNDS)


@triton.jit
def calls(seed, n, subsequence):
    """The four words of each call; `n` a block of int64, `seed` and `subsequence` too, or one number."""
    n = n.to(tl.uint64)
    c0 = n.to(tl.uint32)
    c1 = (n >> 32).to(tl.uint32)
    high = tl.zeros_like(n) + subsequence.to(tl.uint64)
    c2 = high.to(tl.uint32)
    c3 = (high >> 32).to(tl.uint32)
    k0 = seed.to(tl.uint64).to(tl.uint32)
    k1 = (seed.to(tl.uint64) >> 32).to(tl.uint32)
    for _ in tl.static_range(TIMES):
        a = c0.to(tl.uint64) * M0
        b = c2.to(tl.uint64) * M1
        c0 = (b >> 32).to(tl.uint32) ^ c1 ^ k0
        c1 = b.to(tl.uint32)
        c2 = (a >> 32).to(tl.uint32) ^ c3 ^ k1
        c3 = a.to(tl.uint32)
        k0 = k0 + W0
        k1 = k1 + W1
    return c0, c1, c2, c3


@triton.jit
def joined(high, low):
    """The words of 64 bits."""
    return (high.to(tl.uint64) << 32) | low.to(tl.uint64)


@triton.jit
def of_calls(seed, n, DOUBLE: tl.constexpr):
    """All words of consecutive calls, in their order: four times, or twice, as many as there are calls."""
    w0, w1, w2, w3 = calls(seed, n, tl.zeros_like(n))
    if DOUBLE:
        words = tl.interleave(joined(w0, w1), joined(w2, w3))
    else:
        words = tl.interleave(tl.interleave(w0, w2), tl.interleave(w1, w3))
    return words


@triton.jit
def of_elements(seed, offset, number, DOUBLE: tl.constexpr):
    """The word of each element; `number` a block of int64."""
    if DOUBLE:
        w0, w1, w2, w3 = calls(seed, offset + (number >> 1), tl.zeros_like(number))
        words = tl.where((number & 1) == 0, joined(w0, w1), joined(w2, w3))
    else:
        w0, w1, w2, w3 = calls(seed, offset + (number >> 2), tl.zeros_like(number))
        lane = number & 3
        words = tl.where(lane < 2, tl.where(lane == 0, w0, w1), tl.where(lane == 2, w2, w3))
    return words
