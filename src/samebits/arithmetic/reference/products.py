"""P, the product of two rows of numbers: chains of fused multiply-adds, in chunks and groups."""

from __future__ import annotations

from typing import Final

import numpy as np

from samebits.arithmetic.reference.rounding import Array, fma

CHUNK: Final = 256
GROUP: Final = 16


def product(a: Array, b: Array) -> Array:
    """P of the last dimension of two arrays of one dtype, float32 or float64, which are broadcast."""
    a, b = np.broadcast_arrays(a, b)
    groups: list[Array] = []
    for number, start in enumerate(range(0, a.shape[-1], CHUNK)):
        chain = np.zeros(a.shape[:-1], a.dtype)
        for k in range(start, min(start + CHUNK, a.shape[-1])):
            chain = fma(a[..., k], b[..., k], chain)
        if number % GROUP == 0:
            groups.append(chain)
        else:
            groups[-1] = groups[-1] + chain
    return _in_order(groups) if groups else np.zeros(a.shape[:-1], a.dtype)


def _in_order(numbers: list[Array]) -> Array:
    total, *rest = numbers
    for number in rest:
        total = total + number
    return total


def matrices(a: Array, b: Array) -> Array:
    """P of the rows of a (..., m, k) with the columns of b (..., k, n): (..., m, n)."""
    return product(a[..., :, None, :], np.swapaxes(b, -1, -2)[..., None, :, :])
