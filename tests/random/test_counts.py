"""Poisson, binomial and geometric numbers are distributed so, from the smallest parameters to the largest."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
import torch
from scipy import stats
from torch import Tensor

from samebits.random import discrete, keys, rejection
from samebits.random.counts import binomial, geometric, poisson

F64 = torch.float64
KEY = keys.key(11)
COUNT = 200_000
LEVEL = 1e-4


def follows(values: Tensor, distribution: Any) -> float:
    """The p-value of the chi-square test: whole numbers in bins of about equal probability, at most 200."""
    edges = numpy.unique(distribution.ppf(numpy.linspace(0, 1, 202)[1:-1]))
    bins = numpy.searchsorted(edges, values.numpy(), side="left")  # bin j: above edge j - 1, to edge j
    found = numpy.bincount(bins, minlength=len(edges) + 1)
    expected = numpy.diff(numpy.concatenate(([0.0], distribution.cdf(edges), [1.0]))) * len(values)
    # Bins of fewer than 5 expected numbers go with their neighbours.
    merged: list[list[float]] = [[0.0, 0.0]]
    for f, e in zip(found, expected, strict=True):
        merged[-1][0] += f
        merged[-1][1] += e
        if merged[-1][1] >= 5:
            merged.append([0.0, 0.0])
    f, e = merged.pop()
    if merged:
        merged[-1][0] += f
        merged[-1][1] += e
    got, wanted = numpy.array(merged).T
    return float(stats.chi2.sf(((got - wanted) ** 2 / wanted).sum(), len(got) - 1)) if len(got) > 1 else 1.0


def test_the_chi_square_test_sees_a_wrong_distribution() -> None:
    values = torch.from_numpy(numpy.random.default_rng(1).poisson(20.4, COUNT)).double()
    assert follows(values, stats.poisson(20.4)) > LEVEL
    assert follows(values, stats.poisson(20.0)) < LEVEL


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
        assert discrete._poisson_small(uniform, rate).tolist() == [1, 1, 0, 1, 1]
        small = torch.tensor([1e-5] * 5, dtype=F64)
        uniform = torch.tensor([0.99e-5, 1e-6, 0.49e-10, 1e-16, 1e-17], dtype=F64)
        assert discrete._poisson_small(uniform, small).tolist() == [1, 1, 2, 3, 3]


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


@pytest.mark.parametrize("p", [0.9999, 0.9, 0.5, 0.3, 0.01, 1e-4])
def test_geometric_follows_its_distribution(p: float) -> None:
    assert follows(geometric(KEY, COUNT, p=p, dtype=F64), stats.geom(p)) > LEVEL


def test_small_probabilities_wait_exponentially() -> None:
    for p in (1e-12, 1e-100):
        assert stats.kstest((geometric(KEY, COUNT, p=p, dtype=F64) * p).numpy(), "expon").pvalue > LEVEL


def test_geometric_ends() -> None:
    assert (geometric(KEY, 1000, p=1.0) == 1).all()
    values = geometric(KEY, 1000, p=2.0**-1000, dtype=F64)
    assert values.isfinite().all()
    assert (geometric(KEY, COUNT, p=0.5) >= 1).all()


LARGE = [10.0, 10.5, 12.0, 30.0, 1e3, 1e8, 1e15, 1e100]


@pytest.mark.parametrize("mean", LARGE)
def test_half_of_all_attempts_are_accepted(mean: float) -> None:
    """What bounds the loops; Marsaglia and Tsang's are accepted at 95 % and more."""
    cells = rejection.cells(KEY, torch.arange(20_000))
    words = rejection.words(cells, 1)
    rate = torch.full((20_000,), mean, dtype=F64)
    _, fits = discrete._poisson_attempt(words, rate, 2.53 * rate.sqrt() + 0.931)
    assert fits.double().mean() > 0.6
    if mean < 1e15:
        trials, p = (2 * rate).floor(), torch.full_like(rate, 0.5)
        highest = discrete._binomial_log(((trials + 1) * p).floor(), trials, trials * p, trials * (1 - p))
        _, fits = discrete._binomial_attempt(words, trials, p, highest)
        assert fits.double().mean() > 0.6
