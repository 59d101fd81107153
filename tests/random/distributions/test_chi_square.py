"""The test that the tests of distributions use can fail."""

from __future__ import annotations

import numpy
import torch
from scipy import stats

from .chi_square import follows

COUNT = 200_000
LEVEL = 1e-4


def test_the_chi_square_test_sees_a_wrong_distribution() -> None:
    values = torch.from_numpy(numpy.random.default_rng(1).poisson(20.4, COUNT)).double()
    assert follows(values, stats.poisson(20.4)) > LEVEL
    assert follows(values, stats.poisson(20.0)) < LEVEL
