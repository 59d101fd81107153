"""Poisson numbers are distributed so, from the smallest rates to the largest."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from samebits.random import keys, rejection
from samebits.random.distributions import poisson as poissons
from samebits.random.distributions.poisson import poisson

from .chi_square import follows

F64 = torch.float64
KEY = keys.key(11)
COUNT = 200_000
LEVEL = 1e-4


@pytest.mark.parametrize("rate", [1e-3, 0.1, 1.0, 3.7, 9.99, 10.0, 10.01, 25.0, 100.5, 1e4, 1e6])
def test_poisson_follows_its_distribution(rate: float) -> None:
    assert follows(poisson(KEY, rate, COUNT, dtype=F64), stats.poisson(rate)) > LEVEL


@pytest.mark.parametrize("rate", [1e10, 1e15])
def test_large_rates_are_normal(rate: float) -> None:
    values = poisson(KEY, rate, COUNT, dtype=F64)
    assert torch.equal(values, values.floor())
    assert stats.kstest(((values - rate) / rate**0.5).numpy(), stats.norm.cdf).pvalue > LEVEL


def test_poisson_ends() -> None:
    assert (poisson(KEY, 0.0, 1000) == 0).all()
    assert (poisson(KEY, 2.0**1000, 100, dtype=F64) / 2.0**1000 == 1).all()
    rates = torch.tensor([0.0, 5.0, 50.0, 0.0], dtype=F64).repeat(100)
    assert (poisson(KEY, rates).view(100, 4)[:, [0, 3]] == 0).all()


def test_rare_events_are_as_frequent_as_they_should_be() -> None:
    """What 53 bits could not tell: how often 2 comes where 1 is rare."""
    uniform = torch.tensor([0.3e-20, 0.9e-20, 1.1e-20, 0.49e-40, 0.51e-40], dtype=F64)
    rate = torch.tensor([1e-20] * 5, dtype=F64)
    # The distribution's inversion itself, handed the uniform numbers that no test could wait for.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rejection, "fine", lambda words: uniform)
        patch.setattr(rejection, "words", lambda cells, attempt: ())
        assert poissons._small(uniform, rate).tolist() == [1, 1, 0, 1, 1]
        small = torch.tensor([1e-5] * 5, dtype=F64)
        uniform = torch.tensor([0.99e-5, 1e-6, 0.49e-10, 1e-16, 1e-17], dtype=F64)
        assert poissons._small(uniform, small).tolist() == [1, 1, 2, 3, 3]


@pytest.mark.parametrize("rate", [2.0, 15.0, 300.0])
def test_poisson_tails(rate: float) -> None:
    values = poisson(KEY, rate, 1_000_000, dtype=F64)
    distribution = stats.poisson(rate)
    for level in (1e-5, 1e-4):
        k = distribution.isf(level)
        expected = distribution.sf(k) * 1_000_000
        assert abs((values > k).sum().item() - expected) < 4 * expected**0.5 + 1
        k = distribution.ppf(level)
        expected = distribution.cdf(k) * 1_000_000
        assert abs((values <= k).sum().item() - expected) < 4 * expected**0.5 + 1


@pytest.mark.parametrize("mean", [10.0, 10.5, 12.0, 30.0, 1e3, 1e8, 1e15, 1e100])
def test_half_of_all_attempts_are_accepted(mean: float) -> None:
    """What bounds the loop."""
    words = rejection.words(rejection.cells(KEY, torch.arange(20_000)), 1)
    rate = torch.full((20_000,), mean, dtype=F64)
    _, fits = poissons._attempt(words, rate, 2.53 * rate.sqrt() + 0.931)
    assert fits.double().mean() > 0.6
