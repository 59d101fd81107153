"""Philox4x32-10 in plain torch, on any device: which random words an element gets.

A counter-based generator is a function, not a state: words = philox(key, counter).
The counter is an element's number in the whole tensor, so an element's words depend
on the key and that number alone: not on the shape, the device, the thread or the part
of the tensor that is drawn here.

The layout is that of `torch.func._random` (aten/src/ATen/native/cuda/PhiloxKeySplit.cu
and its neighbours): the key is the seed, the counter's low half is the key's offset plus
the number of the call, its high half (the subsequence) is zero.  Each call gives four
words of 32 bits: four elements of up to 32 bits, or two of 64.  Distributions whose elements may
need any number of words take those of the subsequences from 1 on.

Words are int64 tensors that hold 0 to 2**32 - 1: torch has no arithmetic on uint32.

Source: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as
1, 2, 3", SC 2011, https://doi.org/10.1145/2063384.2063405.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

MULTIPLIERS: Final = (0xD2511F53, 0xCD9E8D57)
WEYL: Final = (0x9E3779B9, 0xBB67AE85)
ROUNDS: Final = 10

LOW: Final = 0xFFFFFFFF
WRAP: Final = (1 << 64) - 1

Words = tuple[Tensor, Tensor, Tensor, Tensor]


def block(seed: int, n: int, subsequence: int = 0) -> tuple[int, int, int, int]:
    """The four words of one call, in Python integers.

    Args:
        seed: 64 bits.
        n: the counter's low half, taken modulo 2**64.
        subsequence: the counter's high half, taken modulo 2**64.
    """
    n &= WRAP
    subsequence &= WRAP
    c0, c1, c2, c3 = n & LOW, n >> 32, subsequence & LOW, subsequence >> 32
    k0, k1 = seed & LOW, seed >> 32 & LOW
    for _ in range(ROUNDS):
        a, b = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1, c2, c3 = (b >> 32) ^ c1 ^ k0, b & LOW, (a >> 32) ^ c3 ^ k1, a & LOW
        k0, k1 = (k0 + WEYL[0]) & LOW, (k1 + WEYL[1]) & LOW
    return c0, c1, c2, c3


def blocks(key: Tensor, calls: Tensor, subsequence: int = 0) -> Words:
    """The four words of each call.

    Args:
        key: uint64 of shape (*batch, 2).
        calls: int64; its shape and (*batch, 1, ...) must broadcast.
        subsequence: 64 bits, one for all.

    Returns:
        Four int64 tensors of shape (*batch, *calls.shape), on `calls`' device.
    """
    parts = key.to(calls.device, torch.int64)  # wraps; torch 2.11 has no view of another dtype under vmap
    seed, offset = (
        part.reshape((*part.shape, *(1,) * calls.dim())) for part in (parts[..., 0], parts[..., 1])
    )
    n = offset + calls  # wraps modulo 2**64, as the counter does
    c0, c1 = n & LOW, n >> 32 & LOW
    c2, c3 = torch.full_like(n, subsequence & LOW), torch.full_like(n, subsequence >> 32 & LOW)
    k0, k1 = seed & LOW, seed >> 32 & LOW
    for _ in range(ROUNDS):
        a, b = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]  # the low 64 bits, as they are in any sign
        c0, c1, c2, c3 = (b >> 32 & LOW) ^ c1 ^ k0, b & LOW, (a >> 32 & LOW) ^ c3 ^ k1, a & LOW
        k0, k1 = k0 + WEYL[0] & LOW, k1 + WEYL[1] & LOW
    return c0, c1, c2, c3


#: Elements by their numbers: the first and how many follow it, or int64 of shape (count,).
Numbers = tuple[int, int] | Tensor


def word32(key: Tensor, numbers: Numbers, device: torch.device) -> Tensor:
    """One word of 32 bits for each element.

    Returns:
        int64 of shape (*batch, count), 0 to 2**32 - 1, on `device`.
    """
    if isinstance(numbers, Tensor):
        lane = numbers & 3
        w0, w1, w2, w3 = blocks(key, numbers >> 2)
        return torch.where(lane < 2, torch.where(lane == 0, w0, w1), torch.where(lane == 2, w2, w3))
    first, count = numbers
    words = torch.stack(blocks(key, _calls(first, count, 4, device)), -1).flatten(-2)
    return words[..., first % 4 : first % 4 + count]


def word64(key: Tensor, numbers: Numbers, device: torch.device) -> tuple[Tensor, Tensor]:
    """One word of 64 bits for each element: its high and its low half.

    Returns:
        Two int64 tensors of shape (*batch, count), 0 to 2**32 - 1, on `device`.
    """
    if isinstance(numbers, Tensor):
        even = numbers & 1 == 0
        w0, w1, w2, w3 = blocks(key, numbers >> 1)
        return torch.where(even, w0, w2), torch.where(even, w1, w3)
    first, count = numbers
    w0, w1, w2, w3 = blocks(key, _calls(first, count, 2, device))
    high, low = torch.stack((w0, w2), -1).flatten(-2), torch.stack((w1, w3), -1).flatten(-2)
    part = slice(first % 2, first % 2 + count)
    return high[..., part], low[..., part]


def _calls(first: int, count: int, each: int, device: torch.device) -> Tensor:
    return torch.arange(first // each, (first + count + each - 1) // each, device=device)
