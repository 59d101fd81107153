"""Log-normal numbers follow their distribution."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from samebits.random import keys
from samebits.random.distributions.log_normal import log_normal

F64 = torch.float64
KEY = keys.key(13)
COUNT = 200_000
LEVEL = 1e-4


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (1.0, 2.0), (-5.0, 0.01)])
def test_log_normal_follows_its_distribution(mean: float, std: float) -> None:
    values = log_normal(KEY, COUNT, mean=mean, std=std, dtype=F64)
    assert stats.kstest(values.log().numpy(), stats.norm(mean, std).cdf).pvalue > LEVEL


def test_log_normal_ends() -> None:
    assert (log_normal(KEY, 9, mean=0.0, std=0.0) == 1).all()
    values = log_normal(KEY, 1000, mean=0.0, std=1e4, dtype=F64)
    assert (values == 0).any()
    assert (values == torch.inf).any()
    assert not values.isnan().any()
