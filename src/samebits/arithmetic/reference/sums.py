"""S, D and the product of docs/reference/portable.md, along the last axis of float32 or float64 arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from samebits.arithmetic.reference.rounding import fma

Array = NDArray[Any]

CHUNK: Final = 256
LANES: Final = 16


def sum_of(x: Array) -> Array:
    """S(x): (..., n) -> (...)."""
    return _of_chunks(x.shape[-1], [x], -0.0, lambda lane, x: lane + x, np.add)


def dot(x: Array, y: Array) -> Array:
    """D(x, y): (..., n), (..., n) -> (...)."""
    x, y = np.broadcast_arrays(x, y)
    return _of_chunks(x.shape[-1], [x, y], -0.0, lambda lane, x, y: fma(x, y, lane), np.add)


def moments(x: Array, correction: int) -> tuple[Array, Array]:
    """Variance D(x - m, x - m) / (n - correction) and m = S(x) / n, in float64: (..., n) -> (...)."""
    x = x.astype(np.float64)
    mean = sum_of(x) / np.float64(x.shape[-1])
    d = x - mean[..., None]
    return dot(d, d) / np.float64(x.shape[-1] - correction), mean


def product(x: Array) -> Array:
    """As S, with multiplications, each lane from 1: (..., n) -> (...)."""
    return _of_chunks(x.shape[-1], [x], 1.0, lambda lane, x: lane * x, np.multiply)


def _of_chunks(n: int, terms: list[Array], start: float, step: Callable[..., Any], join: Any) -> Array:
    dtype, shape = terms[0].dtype, terms[0].shape[:-1]
    if n == 0:
        return np.full(shape, abs(start), dtype)
    chunks = -(-n // CHUNK)
    lanes = np.full((*shape, chunks, LANES), start, dtype)
    with np.errstate(all="ignore"):
        for at in range(0, CHUNK, LANES):
            # Elements at .. at + 15 of every chunk; the last chunk may have fewer, or none.
            index = np.arange(chunks)[:, None] * CHUNK + at + np.arange(LANES)
            there = index < n
            found = [term[..., np.where(there, index, 0)] for term in terms]
            lanes = np.where(there, step(lanes, *found), lanes)
        half = LANES // 2
        while half:
            lanes = join(lanes[..., :half], lanes[..., half : 2 * half])
            half //= 2
    sums: Array = lanes[..., 0]
    if chunks == 1:
        return sums[..., 0]
    if join is np.add:
        return sum_of(sums)
    return product(sums)
