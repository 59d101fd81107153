"""Normalizations of float32 or float64 arrays of three axes: (O, C, L)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samebits.arithmetic.reference.rounding import fma
from samebits.arithmetic.reference.sums import dot, sum_of

Array = NDArray[Any]


class Normalized(NamedTuple):
    """A result, with the mean and 1 / sqrt(var + eps) of each row, group or channel."""

    y: Array
    mean: Array
    rstd: Array


class Gradients(NamedTuple):
    """Of what is normalized, of the weight and of the bias."""

    x: Array
    weight: Array
    bias: Array


def reciprocal_root(var: Array, eps: float) -> Array:
    """1 / sqrt(var + eps), each operation rounded."""
    with np.errstate(all="ignore"):
        one: Array = var.dtype.type(1) / np.sqrt(var + var.dtype.type(eps))
        return one


def moments(x: Array, eps: float) -> tuple[Array, Array]:
    """m = S(x) / n and 1 / sqrt(D(x - m, x - m) / n + eps): (..., n) -> (...), (...)."""
    n = x.dtype.type(x.shape[-1])
    with np.errstate(all="ignore"):
        mean = sum_of(x) / n
        d = x - mean[..., None]
        return mean, reciprocal_root(dot(d, d) / n, eps)


def _affine(x: Array, mean: Array, rstd: Array, weight: Array | None, bias: Array | None) -> Array:
    """fma((x - mean) * rstd, weight, bias); what is absent is 1, or -0."""
    with np.errstate(all="ignore"):
        h = (x - mean) * rstd
    weight = np.ones(1, x.dtype) if weight is None else weight
    bias = np.full(1, -0.0, x.dtype) if bias is None else bias
    return fma(h, weight, bias)


def layer_norm(x: Array, weight: Array | None, bias: Array | None, eps: float) -> Normalized:
    """Of rows: (rows, n), weight and bias (n)."""
    mean, rstd = moments(x, eps)
    return Normalized(_affine(x, mean[:, None], rstd[:, None], weight, bias), mean, rstd)


def layer_norm_backward(grad: Array, x: Array, mean: Array, rstd: Array, weight: Array | None) -> Gradients:
    """With v = g * weight and h = (x - m) * r: r * fma(-h, D(v, h) / n, v - S(v) / n)."""
    n = x.dtype.type(x.shape[-1])
    with np.errstate(all="ignore"):
        h = (x - mean[:, None]) * rstd[:, None]
        v = grad if weight is None else grad * weight
        slope, shift = dot(v, h) / n, sum_of(v) / n
        dx = rstd[:, None] * fma(-h, slope[:, None], v - shift[:, None])
    return Gradients(dx, dot(grad.T, h.T), sum_of(grad.T))


def group_norm(x: Array, groups: int, weight: Array | None, bias: Array | None, eps: float) -> Normalized:
    """Of groups of channels: (O, C, L), weight and bias (C)."""
    o, channels, _ = x.shape
    mean, rstd = moments(x.reshape(o, groups, -1), eps)
    each = channels // groups
    per_channel = np.repeat(mean, each, 1)[..., None], np.repeat(rstd, each, 1)[..., None]
    y = _affine(
        x,
        *per_channel,
        None if weight is None else weight[:, None],
        None if bias is None else bias[:, None],
    )
    return Normalized(y, mean, rstd)


def group_norm_backward(
    grad: Array, x: Array, mean: Array, rstd: Array, groups: int, weight: Array | None
) -> Gradients:
    """From the channels' s = S(g) and p = D(g, x - m), which D weights for each group."""
    o, channels, length = x.shape
    each = channels // groups
    n = x.dtype.type(each * length)
    w = np.ones(channels, x.dtype) if weight is None else weight
    m, r = np.repeat(mean, each, 1)[..., None], np.repeat(rstd, each, 1)[..., None]
    with np.errstate(all="ignore"):
        s, p = sum_of(grad), dot(grad, x - m)
        weights = np.broadcast_to(w, (o, channels)).reshape(o, groups, each)
        shift = dot(s.reshape(weights.shape), weights) / n
        slope = dot(p.reshape(weights.shape), weights) * rstd * rstd / n
        shift, slope = np.repeat(shift, each, 1)[..., None], np.repeat(slope, each, 1)[..., None]
        dx = fma(-(x - m), slope, grad * w[:, None] - shift) * r
    return Gradients(dx, dot(p.T, r[..., 0].T), sum_of(s.T))


def _by_channel(x: Array) -> Array:
    """(O, C, L) -> (C, O * L)."""
    return np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)


def batch_norm(x: Array, weight: Array | None, bias: Array | None, eps: float) -> Normalized:
    """Of channels: (O, C, L), weight and bias (C)."""
    mean, rstd = moments(_by_channel(x), eps)
    return Normalized(batch_norm_with(x, mean, rstd, weight, bias), mean, rstd)


def batch_norm_with(x: Array, mean: Array, rstd: Array, weight: Array | None, bias: Array | None) -> Array:
    """With given statistics, (C)."""
    w, b = (None if one is None else one[:, None] for one in (weight, bias))
    return _affine(x, mean[:, None], rstd[:, None], w, b)


def running(
    x: Array, mean: Array, running_mean: Array, running_var: Array, momentum: float
) -> tuple[Array, Array]:
    """fma(momentum, of this batch, (1 - momentum) * before); the variance divided by n - 1."""
    of = x.dtype.type
    d = _by_channel(x) - mean[:, None]
    with np.errstate(all="ignore"):
        var = dot(d, d) / of(d.shape[-1] - 1)
    rest = of(1 - momentum)
    return fma(of(momentum), mean, rest * running_mean), fma(of(momentum), var, rest * running_var)


def batch_norm_backward(
    grad: Array, x: Array, mean: Array, rstd: Array, weight: Array | None, training: bool
) -> Gradients:
    """With p = D(g, x - m): fma(-(x - m), ((p * r) * r) / n, g - S(g) / n) * (r * weight).

    Without training: g * (r * weight).
    """
    n = x.dtype.type(x.shape[0] * x.shape[2])
    m, r = mean[:, None], rstd[:, None]
    with np.errstate(all="ignore"):
        s, p = sum_of(_by_channel(grad)), dot(_by_channel(grad), _by_channel(x) - m)
        slope, shift = (p * rstd) * rstd / n, s / n
        factor = r if weight is None else r * weight[:, None]
        dx = fma(-(x - m), slope[:, None], grad - shift[:, None]) * factor if training else grad * factor
    return Gradients(dx, p * rstd, s)
