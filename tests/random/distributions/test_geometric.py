"""Geometric numbers are distributed so, from the smallest probabilities to the largest."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from samebits.random import keys
from samebits.random.distributions.geometric import geometric

from .chi_square import follows

F64 = torch.float64
KEY = keys.key(11)
COUNT = 200_000
LEVEL = 1e-4


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
