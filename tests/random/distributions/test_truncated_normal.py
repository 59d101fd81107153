"""Truncated normal numbers: within their bounds, of the right distribution, the same on every tier."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

import samebits.random
from samebits.random import core
from samebits.random.distributions.truncated_normal import _position, _quantiles, truncated_normal

KEY = samebits.random.key(1)
BOUNDS = [
    (0.0, 1.0, -2.0, 2.0),
    (0.0, 1.0, 1.0, 3.0),
    (0.0, 0.02, -2.0, 2.0),
    (5.0, 2.0, -math.inf, 5.0),
    (0.0, 1.0, 5.0, 6.0),
    (0.0, 1.0, -0.001, 0.001),
    (-3.0, 0.5, -6.0, math.inf),
]


@pytest.mark.parametrize(("mean", "std", "low", "high"), BOUNDS)
def test_distribution(mean: float, std: float, low: float, high: float) -> None:
    x = truncated_normal(KEY, 200_000, mean=mean, std=std, low=low, high=high, dtype=torch.float64).numpy()
    distribution = stats.truncnorm((low - mean) / std, (high - mean) / std, mean, std)
    assert x.min() >= low
    assert x.max() <= high
    assert stats.kstest(x, distribution.cdf).pvalue > 1e-3


def test_distribution_is_told_from_another() -> None:
    x = truncated_normal(KEY, 200_000, dtype=torch.float64).numpy()
    assert stats.kstest(x, stats.truncnorm(-2.2, 2, 0, 1).cdf).pvalue < 1e-3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("tier", core.tiers())
def test_every_tier_and_dtype(tier: str, dtype: torch.dtype) -> None:
    given = {"mean": 0.3, "std": 2.0, "low": -1.23, "high": 0.7777, "dtype": dtype}
    with core.using("eager"):
        expected = truncated_normal(KEY, 5003, **given)
    with core.using(tier):
        x = truncated_normal(KEY, 5003, **given)
    assert torch.equal(x, expected)
    assert x.double().min() >= -1.23  # neither is a number of a half's
    assert x.double().max() <= 0.7777


def test_positions_are_where_the_quantile_crosses() -> None:
    for z in (-8.5, -2.0, -1e-9, 0.0, 1e-9, 0.5, 6.0):
        first, after = _position(z, after=False), _position(z, after=True)
        assert 0 < first <= after < 2**64
        assert _quantiles([first - 1])[0] < z <= _quantiles([first])[0]
        assert _quantiles([after - 1])[0] <= z < _quantiles([after])[0]
    assert _position(-math.inf, after=False) == 0
    assert _position(math.inf, after=True) == 2**64


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"low": 8.0, "high": 9.0}, "move the bounds nearer to the mean"),
        ({"low": 2.0, "high": 2.0}, "low must be less than high"),
        ({"low": math.nan}, "low must be finite"),
        ({"std": 0.0}, "std must be greater than 0"),
        ({"low": 1.0001, "high": 1.0002, "dtype": torch.bfloat16}, "no number of torch.bfloat16"),
    ],
)
def test_bad_bounds(given: dict[str, float], text: str) -> None:
    out = torch.full((3,), 7.0, dtype=given.get("dtype", torch.float32))
    with pytest.raises(ValueError, match=text):
        truncated_normal(KEY, out=out, **given)
    assert (out == 7).all()
