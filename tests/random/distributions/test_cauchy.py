"""Cauchy numbers follow their distribution."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from samebits.random import keys, rejection
from samebits.random.distributions import cauchy as cauchys
from samebits.random.distributions.cauchy import cauchy

F64 = torch.float64
KEY = keys.key(13)
COUNT = 200_000
LEVEL = 1e-4


@pytest.mark.parametrize(("median", "sigma"), [(0.0, 1.0), (-3.0, 0.1), (1e6, 1e3)])
def test_cauchy_follows_its_distribution(median: float, sigma: float) -> None:
    values = cauchy(KEY, COUNT, median=median, sigma=sigma, dtype=F64)
    assert stats.kstest(values.numpy(), stats.cauchy(median, sigma).cdf).pvalue > LEVEL


def test_cauchy_tails() -> None:
    values = cauchy(KEY, 1_000_000, dtype=F64)
    for level in (3e-5, 1e-4, 1e-3):
        far = stats.cauchy.isf(level)
        for found in ((values > far).sum().item(), (values < -far).sum().item()):
            assert abs(found - level * 1_000_000) < 4 * (level * 1_000_000) ** 0.5


def test_cauchy_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest and the largest words."""
    most = (1 << 32) - 1
    ends = torch.tensor([[0, 0, 0, 0], [0, 1, 0, 0], [most] * 4, [most, most - 1, most, most]]).unbind(1)
    monkeypatch.setattr(rejection, "words", lambda cells, attempt: ends)
    values = cauchys._numbers(torch.empty(0), torch.zeros(4, dtype=F64), torch.ones(4, dtype=F64))
    assert values[0] == -values[1]
    assert math.isclose(values[0].item(), 2**107 / math.pi, rel_tol=1e-15)
    assert values[2:].tolist() == [0.0, 0.0]
