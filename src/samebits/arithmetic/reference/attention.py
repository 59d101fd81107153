"""Attention, from products and softmax, and its gradients."""

from __future__ import annotations

import math

import numpy as np

from samebits.arithmetic.reference.products import matrices
from samebits.arithmetic.reference.rounding import Array
from samebits.arithmetic.reference.softmax import softmax, softmax_backward


def _root(q: Array, scale: float | None) -> Array:
    return np.asarray(math.sqrt(1.0 / math.sqrt(q.shape[-1]) if scale is None else scale), q.dtype)


def _weights(q: Array, k: Array, mask: Array | None) -> Array:
    scores = matrices(q, np.swapaxes(k, -1, -2))
    if mask is not None:
        scores = mask + scores
    nowhere = np.all(scores == -np.inf, axis=-1, keepdims=True)
    with np.errstate(all="ignore"):
        return np.where(nowhere, scores.dtype.type(0), softmax(scores))


def forward(q: Array, k: Array, v: Array, mask: Array | None = None, scale: float | None = None) -> Array:
    """Of q (..., T, E), k (..., S, E), v (..., S, V) and what is added to the scores, (..., T, S)."""
    s = _root(q, scale)
    return matrices(_weights(q * s, k * s, mask), v)


def backward(
    grad: Array, q: Array, k: Array, v: Array, mask: Array | None = None, scale: float | None = None
) -> tuple[Array, Array, Array]:
    """The gradients of q, k and v, from that of the result."""
    s = _root(q, scale)
    q, k = q * s, k * s
    weights = _weights(q, k, mask)
    slopes = softmax_backward(matrices(grad, np.swapaxes(v, -1, -2)), weights)
    turned = np.swapaxes(slopes, -1, -2)
    return matrices(slopes, k) * s, matrices(turned, q) * s, matrices(np.swapaxes(weights, -1, -2), grad)
