"""Convolutions and their derivatives: for each output the list of what is multiplied, and P of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from samebits.arithmetic.reference.products import product
from samebits.arithmetic.reference.rounding import Array

Place = tuple[int, ...]


def convolution(x: Array, w: Array, stride: Place, padding: Place, dilation: Place, groups: int = 1) -> Array:
    """Of (images, channels, ...) with (outputs, channels / groups, ...), in any number of dimensions."""
    sizes = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(x.shape[2:], w.shape[2:], stride, padding, dilation, strict=True)
    ]
    out = np.zeros((x.shape[0], w.shape[0], *sizes), x.dtype)
    outputs, channels = w.shape[0] // groups, w.shape[1]
    for image, o, at in _places(out.shape):
        first = o // outputs * channels
        covered = [
            _number(
                x[image, first + c],
                [i * s - p + k * d for i, s, p, k, d in zip(at, stride, padding, tap, dilation, strict=True)],
            )
            for c, tap in _taps(channels, w.shape[2:])
        ]
        out[(image, o, *at)] = product(w[o].reshape(-1), np.array(covered, x.dtype))
    return out


def to_input(
    gradient: Array, w: Array, shape: Place, stride: Place, padding: Place, dilation: Place, groups: int = 1
) -> Array:
    """The derivative with respect to the input, of `shape`: a transposed convolution of the gradient."""
    out = np.zeros(shape, gradient.dtype)
    outputs, channels = w.shape[0] // groups, w.shape[1]
    for image, c, at in _places(out.shape):
        first = c // channels * outputs
        weights, met = [], []
        for o, tap in _taps(outputs, w.shape[2:]):
            shifted = [i + p - k * d for i, p, k, d in zip(at, padding, tap, dilation, strict=True)]
            if all(n % s == 0 for n, s in zip(shifted, stride, strict=True)):
                weights.append(w[(first + o, c % channels, *tap)])
                met.append(
                    _number(
                        gradient[image, first + o], [n // s for n, s in zip(shifted, stride, strict=True)]
                    )
                )
        out[(image, c, *at)] = product(np.array(weights, w.dtype), np.array(met, w.dtype))
    return out


def to_weight(
    gradient: Array, x: Array, shape: Place, stride: Place, padding: Place, dilation: Place, groups: int = 1
) -> Array:
    """The derivative with respect to the weights, of `shape`: over images and the outputs' places."""
    out = np.zeros(shape, x.dtype)
    outputs, channels = shape[0] // groups, shape[1]
    for o, c, tap in _places(out.shape):
        source = o // outputs * channels + c
        met = [
            _number(
                x[image, source],
                [i * s - p + k * d for i, s, p, k, d in zip(at, stride, padding, tap, dilation, strict=True)],
            )
            for image in range(x.shape[0])
            for at in np.ndindex(*gradient.shape[2:])
        ]
        out[(o, c, *tap)] = product(gradient[:, o].reshape(-1), np.array(met, x.dtype))
    return out


def _number(plane: Array, at: Sequence[int]) -> float:
    """A number of the plane, or the zero outside it."""
    inside = all(0 <= i < n for i, n in zip(at, plane.shape, strict=True))
    return plane[tuple(at)] if inside else 0.0


def _places(shape: Place) -> Iterator[tuple[int, int, Place]]:
    for a, b, *at in np.ndindex(*shape):
        yield a, b, tuple(at)


def _taps(channels: int, kernel: Place) -> Iterator[tuple[int, Place]]:
    return itertools.product(range(channels), np.ndindex(*kernel))
