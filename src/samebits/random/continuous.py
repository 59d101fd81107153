"""Gamma, beta, Dirichlet, Cauchy and log-normal numbers in plain torch, bits as in `native/distributions.c`.

A gamma number is kept as mantissa * exp(exponent): for a concentration below 1 the
exponent is a logarithm over the concentration, and can be far below what a float64
holds.  Beta and Dirichlet numbers are ratios, taken before anything underflows.

Sources: G. Marsaglia and W. Tsang, "A simple method for generating gamma variables",
ACM TOMS 26 (2000), with their step to concentrations below 1: gamma(a + 1) * u**(1/a).
Its test, log u < z**2 / 2 + d - d v + d log v with v = (1 + t)**3, is here the same
function without its cancellation, 3 d (log(1 + t) - t + t**2 / 2 - t**3 / 3).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from samebits.random import exactmath, rejection
from samebits.random.philox import Words
from samebits.random.quantile import normal64

#: The subsequence of the uniform number that takes a concentration below 1; no attempt reaches it.
BOOST: Final = 1 << 32


def _attempt(words: Words, d: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    z, u = normal64(words[0], words[1]), rejection.unit(words[2], words[3])
    t = c * z
    base = t + 1.0
    square = z * z
    quick = u < 1.0 - 0.0331 * (square * square)
    fits = quick | (exactmath.log(u) < (3.0 * d) * exactmath.log1p_rest(t))
    return d * ((base * base) * base), fits & (base > 0.0)


def gamma_parts(cells: Tensor, concentration: Tensor) -> tuple[Tensor, Tensor]:
    """Gamma numbers of rate 1, as mantissa and exponent: mantissa * exp(exponent).

    Args:
        cells: uint64 of shape (n, 2), see `rejection.cells`.
        concentration: float64 of shape (n,), positive.
    """
    below = concentration < 1.0
    d = torch.where(below, concentration + 1.0, concentration) - 1.0 / 3
    c = exactmath.sqrt(9.0 * d).reciprocal()
    mantissa = rejection.accepted(cells, _attempt, d, c)
    exponent = torch.zeros_like(mantissa)
    place = below.nonzero().flatten()
    if place.numel():
        u = rejection.fine(rejection.words(cells[place], BOOST))
        exponent[place] = exactmath.log(u) / concentration[place]
    return mantissa, exponent


def gamma(cells: Tensor, concentration: Tensor) -> Tensor:
    """Gamma numbers of rate 1; those too small for a float64 are 0."""
    mantissa, exponent = gamma_parts(cells, concentration)
    return torch.where(concentration < 1.0, mantissa * exactmath.exp(exponent), mantissa)


def beta(cells: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Beta numbers: x / (x + y) of two gamma numbers.

    Args:
        cells: uint64 of shape (n, 2): of x; y has the next counter.
        a, b: float64 of shape (n,), positive.
    """
    one, below = gamma_parts(cells, a)
    following = cells.view(torch.int64) + torch.tensor([0, 1], device=cells.device)
    other, under = gamma_parts(following.view(torch.uint64), b)
    most = torch.maximum(below, under)
    one, other = one * exactmath.exp(below - most), other * exactmath.exp(under - most)
    return one / (one + other)


def dirichlet(cells: Tensor, concentration: Tensor) -> Tensor:
    """Rows of a Dirichlet distribution: gamma numbers over their sum.

    Args:
        cells: uint64 of shape (rows, classes, 2).
        concentration: float64 of shape (rows, classes), positive.
    """
    parts = gamma_parts(cells.flatten(0, 1), concentration.flatten())
    mantissa, exponent = (part.view(concentration.shape) for part in parts)
    numbers = mantissa * exactmath.exp(exponent - exponent.amax(-1, keepdim=True))
    return numbers / _sum(numbers)


def _sum(x: Tensor) -> Tensor:
    """Over the last dimension, half added to half: torch's own order depends on the device."""
    while (n := x.shape[-1]) > 1:
        half = (n + 1) // 2
        x = torch.cat((x[..., : n - half] + x[..., half:], x[..., n - half : half]), -1)
    return x


def cauchy(cells: Tensor, median: Tensor, sigma: Tensor) -> Tensor:
    """Cauchy numbers: a cotangent, up to 2**106, and a sign.

    Args:
        cells: uint64 of shape (n, 2), see `rejection.cells`.
        median, sigma: float64 of shape (n,).
    """
    words = rejection.words(cells, 1)
    x = exactmath.cotpi(0.5 * rejection.fine(words))
    return sigma * torch.where(words[1] & 1 == 1, -x, x) + median


def log_normal(cells: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """exp(mean + std * z) of standard normal numbers z.

    Args:
        cells: uint64 of shape (n, 2).
        mean, std: float64 of shape (n,).
    """
    w0, w1, _, _ = rejection.words(cells, 1)
    return exactmath.exp(std * normal64(w0, w1) + mean)
