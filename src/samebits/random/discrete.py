"""Poisson, binomial and geometric numbers in plain torch, the same bits as `native/distributions.c`.

Where the mean is below 10 the distribution is inverted: whether a number is above 0 is decided
with 106 bits, by how much with 53 more, so that small rates and small probabilities are
as exact as large ones.  Elsewhere numbers are proposed and rejected: W. Hoermann, "The
transformed rejection method for generating Poisson random variables" (PTRS), Insurance:
Mathematics and Economics 12 (1993), and "The generation of binomial random variates"
(BTRS), Journal of Statistical Computation and Simulation 46 (1993).  Their test asks for the
logarithm of a probability, the difference of terms as large as k log k; after C. Loader
it is here made of parts that do not cancel, and stays exact to 1e-13 at means of 1e15.

Numbers are whole as long as a float64 has them all, to 2**53; above, they are rounded.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from samebits.random import exactmath, rejection
from samebits.random.exactmath import deviance, stirling
from samebits.random.philox import Words

#: Means from which on the rejection methods are proven.
SMALL: Final = 10.0

#: A term of this part of the whole adds nothing: what is left to be shared out is rounding.
_LEAST: Final = 2.0**-60


def poisson(cells: Tensor, rate: Tensor) -> Tensor:
    """Poisson numbers.

    Args:
        cells: uint64 of shape (n, 2), see `rejection.cells`.
        rate: float64 of shape (n,), at least 0.
    """
    return rejection.split(rate < SMALL, _poisson_small, _poisson_large, cells, rate)


def _poisson_small(cells: Tensor, rate: Tensor) -> Tensor:
    above = -exactmath.expm1(-rate)
    w = rejection.fine(rejection.words(cells, 1))
    active = w < above
    w, least = above - w, above * _LEAST
    p = exactmath.exp(-rate) * rate
    k, number = torch.zeros_like(rate), 1.0
    while True:
        k = torch.where(active, number, k)
        active = active & (w > p) & (p > least)
        if not active.any():
            return k
        number += 1.0
        w = w - p
        p = (p * rate) / torch.full_like(p, number)


def _poisson_large(cells: Tensor, rate: Tensor) -> Tensor:
    b = 2.53 * exactmath.sqrt(rate) + 0.931
    return rejection.accepted(cells, _poisson_attempt, rate, b)


def _poisson_attempt(words: Words, rate: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    a = 0.02483 * b - 0.059
    scale = torch.full_like(b, 1.1328) / (b - 3.4) + 1.1239
    quick = 0.9277 - torch.full_like(b, 3.6224) / (b - 2.0)
    u, v = rejection.unit(words[0], words[1]) - 0.5, rejection.unit(words[2], words[3])
    us = 0.5 - u.abs()
    k = ((((2.0 * a) / us + b) * u + rate) + 0.43).floor()
    inside = ~((k < 0.0) | ((us < 0.013) & (v > us)))
    height = exactmath.log((v * scale) / (a / (us * us) + b))
    known = k.clamp_min(0.0)
    fits = inside & (height <= -(stirling(known) + deviance(known, rate)))
    return k, ((us >= 0.07) & (v <= quick)) | fits


def binomial(cells: Tensor, trials: Tensor, p: Tensor) -> Tensor:
    """Binomial numbers.

    Args:
        cells: uint64 of shape (n, 2).
        trials: float64 of shape (n,), whole, 0 to 2**53.
        p: float64 of shape (n,), 0 to 1.
    """
    many = p > 0.5
    less = torch.where(many, 1.0 - p, p)
    k = rejection.split(trials * less < SMALL, _binomial_small, _binomial_large, cells, trials, less)
    return torch.where(many, trials - k, k)


def _binomial_small(cells: Tensor, trials: Tensor, p: Tensor) -> Tensor:
    none = trials * exactmath.log1p(-p)
    above = -exactmath.expm1(none)
    w = rejection.fine(rejection.words(cells, 1))
    active = w < above
    w, least = above - w, above * _LEAST
    odds = p / (1.0 - p)
    at = (exactmath.exp(none) * trials) * odds
    k, number = torch.zeros_like(p), 1.0
    while True:
        k = torch.where(active, number, k)
        active = active & (w > at) & (at > least)
        if not active.any():
            return torch.minimum(k, trials)
        w = w - at
        at = ((at * (trials - number)) / torch.full_like(at, number + 1.0)) * odds
        number += 1.0


def _binomial_log(k: Tensor, trials: Tensor, mean: Tensor, rest: Tensor) -> Tensor:
    """The logarithm of k's probability, but for a term that is the same for all k."""
    remainders = stirling(k) + stirling(trials - k)
    return -(remainders + (deviance(k, mean) + deviance(trials - k, rest)))


def _binomial_large(cells: Tensor, trials: Tensor, p: Tensor) -> Tensor:
    mean, q = trials * p, 1.0 - p
    highest = _binomial_log(((trials + 1.0) * p).floor(), trials, mean, trials * q)
    return rejection.accepted(cells, _binomial_attempt, trials, p, highest)


def _binomial_attempt(words: Words, trials: Tensor, p: Tensor, highest: Tensor) -> tuple[Tensor, Tensor]:
    mean, q = trials * p, 1.0 - p
    deviation = exactmath.sqrt(mean * q)
    b = 2.53 * deviation + 1.15
    a = (0.0248 * b - 0.0873) + 0.01 * p
    scale = (torch.full_like(b, 5.1) / b + 2.83) * deviation
    quick = 0.92 - torch.full_like(b, 4.2) / b
    u, v = rejection.unit(words[0], words[1]) - 0.5, rejection.unit(words[2], words[3])
    us = 0.5 - u.abs()
    k = ((((2.0 * a) / us + b) * u + mean) + 0.5).floor()
    inside = (k >= 0.0) & (k <= trials)
    height = exactmath.log((v * scale) / (a / (us * us) + b))
    known = torch.where(inside, k, 0.0)
    fits = inside & (height <= _binomial_log(known, trials, mean, trials * q) - highest)
    return k, ((us >= 0.07) & (v <= quick)) | fits


def geometric(cells: Tensor, p: Tensor) -> Tensor:
    """How many trials until the first success, 1 or more.

    Args:
        cells: uint64 of shape (n, 2).
        p: float64 of shape (n,), above 0, at most 1.
    """
    u = rejection.fine(rejection.words(cells, 1))
    return (exactmath.log(u) / exactmath.log1p(-p)).floor() + 1.0
