"""`binomial`: by inversion where fewer than 10 successes or failures are expected, else by
rejection (BTRS); float64, then rounded.

As `poisson`, with W. Hoermann, "The generation of binomial random variates" (BTRS), Journal of
Statistical Computation and Simulation 46 (1993).  `native/distributions.c` gives the same bits.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from samebits.random import exactmath, parametric, rejection
from samebits.random.exactmath import deviance, stirling
from samebits.random.keys import KeyLike
from samebits.random.output import Device
from samebits.random.parametric import COUNTS, Parameter, Parametric, Range, Region
from samebits.random.philox import Words

__all__ = ["binomial"]

#: Means from which on the rejection methods are proven.
_SMALL: Final = 10.0

#: A term of this part of the whole adds nothing: what is left to be shared out is rounding.
_LEAST: Final = 2.0**-60
_TRIALS: Final = Range("trials", 0.0, 2.0**53, "whole, from 0 to 2**53", whole=True)
_P: Final = Range("p", 0.0, 1.0, "a probability, from 0 to 1")


def _small(cells: Tensor, trials: Tensor, p: Tensor) -> Tensor:
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


def _log_probability(k: Tensor, trials: Tensor, mean: Tensor, rest: Tensor) -> Tensor:
    """The logarithm of k's probability, but for a term that is the same for all k."""
    remainders = stirling(k) + stirling(trials - k)
    return -(remainders + (deviance(k, mean) + deviance(trials - k, rest)))


def _large(cells: Tensor, trials: Tensor, p: Tensor) -> Tensor:
    mean, q = trials * p, 1.0 - p
    highest = _log_probability(((trials + 1.0) * p).floor(), trials, mean, trials * q)
    return rejection.accepted(cells, _attempt, trials, p, highest)


def _attempt(words: Words, trials: Tensor, p: Tensor, highest: Tensor) -> tuple[Tensor, Tensor]:
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
    fits = inside & (height <= _log_probability(known, trials, mean, trials * q) - highest)
    return k, ((us >= 0.07) & (v <= quick)) | fits


def _numbers(cells: Tensor, trials: Tensor, p: Tensor) -> Tensor:
    """Binomial numbers.

    Args:
        cells: uint64 of shape (n, 2).
        trials: float64 of shape (n,), whole, 0 to 2**53.
        p: float64 of shape (n,), 0 to 1.
    """
    many = p > 0.5
    less = torch.where(many, 1.0 - p, p)
    k = rejection.split(trials * less < _SMALL, _small, _large, cells, trials, less)
    return torch.where(many, trials - k, k)


_BINOMIAL: Final = Parametric("binomial", _numbers, code=3)


def binomial(
    key: KeyLike,
    trials: Parameter,
    p: Parameter,
    *shape: Any,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Region = None,
) -> Tensor:
    """Binomial numbers: how many of `trials` succeed.

    Where fewer than 10 successes, or failures, are expected by inversion; else by rejection (BTRS).

    Args:
        key: a `Key`, or uint64 of shape (2,) or (*batch, 2).
        trials: whole, 0 to 2**53; a number, or a tensor that broadcasts to the shape.
        p: the probability of each; a number from 0 to 1, or a tensor of such.
        shape, dtype, device, out, shard: as of `poisson`.

    Returns:
        A tensor of `shape`, or of the shard's.

    Raises:
        TypeError: a key, dtype, shape or parameter of the wrong kind.
        ValueError: negative sizes, trials that are negative or not whole, a p that is no probability.
    """
    given = [(_TRIALS, trials), (_P, p)]
    asked = parametric.request("binomial", key, given, shape, dtype, device, out, shard, COUNTS)
    return parametric.finished(parametric.numbers(_BINOMIAL, asked), asked)
