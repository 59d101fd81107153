"""Binomial numbers are distributed so, from the smallest parameters to the largest."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from samebits.random import keys, rejection
from samebits.random.distributions import binomial as binomials
from samebits.random.distributions.binomial import binomial

from .chi_square import follows

F64 = torch.float64
KEY = keys.key(11)
COUNT = 200_000
LEVEL = 1e-4


@pytest.mark.parametrize(
    ("trials", "p"),
    [
        *((1, 0.5), (1, 1e-3), (5, 0.999), (20, 0.3), (20, 0.499), (20, 0.5), (20, 0.501), (20, 0.8)),
        *((33, 0.31), (100, 0.1), (100, 0.0999), (100, 0.95), (1000, 0.5), (1000, 1e-3), (1000, 0.02)),
        *((10**5, 0.3), (10**6, 1e-5), (10**6, 0.9), (10**9, 1e-8), (10**9, 2e-7), (10**12, 1e-9)),
    ],
)
def test_binomial_follows_its_distribution(trials: int, p: float) -> None:
    assert follows(binomial(KEY, trials, p, COUNT, dtype=F64), stats.binom(trials, p)) > LEVEL


def test_many_trials_are_normal() -> None:
    values = binomial(KEY, 2**53, 0.3, COUNT, dtype=F64)
    mean = 2**53 * 0.3
    z = (values - mean) / (mean * 0.7) ** 0.5
    assert stats.kstest(z.numpy(), stats.norm.cdf).pvalue > LEVEL


def test_binomial_ends() -> None:
    assert (binomial(KEY, 1000, 0.0, 100) == 0).all()
    assert (binomial(KEY, 1000, 1.0, 100) == 1000).all()
    assert (binomial(KEY, 0, 0.3, 100) == 0).all()
    assert (binomial(KEY, 2**53, 2.0**-1074, 100) == 0).all()
    values = binomial(KEY, torch.arange(40.0).repeat(200), 0.97).view(200, 40)
    assert (values >= 0).all()
    assert (values <= torch.arange(40.0)).all()


@pytest.mark.parametrize("mean", [10.0, 10.5, 12.0, 30.0, 1e3, 1e8])
def test_half_of_all_attempts_are_accepted(mean: float) -> None:
    """What bounds the loop."""
    words = rejection.words(rejection.cells(KEY, torch.arange(20_000)), 1)
    trials = torch.full((20_000,), 2 * mean, dtype=F64).floor()
    p = torch.full_like(trials, 0.5)
    highest = binomials._log_probability(((trials + 1) * p).floor(), trials, trials * p, trials * (1 - p))
    _, fits = binomials._attempt(words, trials, p, highest)
    assert fits.double().mean() > 0.6
