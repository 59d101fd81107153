"""Running sums, products and log-sums along the last axis, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits.arithmetic.reference import wide
from samebits.arithmetic.reference.sums import CHUNK

Array = NDArray[Any]
Step = Callable[[Array, Array], Array]


def running(x: Array, step: Step) -> Array:
    """The scan of `step`: (..., n) -> (..., n), in the type of `x`."""
    with np.errstate(all="ignore"):
        return _scan(x.astype(np.float64), step).astype(x.dtype)


def add(a: Array, b: Array) -> Array:
    """a + b"""
    return a + b


def multiply(a: Array, b: Array) -> Array:
    """a * b"""
    return a * b


def log_add_exp(a: Array, b: Array) -> Array:
    """m + log1p(exp(l - m)), m the larger and l the smaller; equal infinities are themselves."""
    most, least = np.where(a > b, a, b), np.where(a > b, b, a)
    return np.where((a == b) & np.isinf(a), a, most + wide.log1p(wide.exp(least - most)))


def _scan(x: Array, step: Step) -> Array:
    n = x.shape[-1]
    out = np.empty_like(x)
    for at in range(0, n, CHUNK):
        out[..., at] = x[..., at]
        for i in range(at + 1, min(at + CHUNK, n)):
            out[..., i] = step(out[..., i - 1], x[..., i])
    if n > CHUNK:
        totals = _scan(out[..., CHUNK - 1 : -1 : CHUNK], step)
        for chunk in range(1, -(-n // CHUNK)):
            here = out[..., chunk * CHUNK : (chunk + 1) * CHUNK]
            here[...] = step(np.broadcast_to(totals[..., chunk - 1, None], here.shape), here)
    return out
