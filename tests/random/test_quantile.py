"""The tables of quantiles: as near to the exact quantiles as they say, never 0 or infinite, in order."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from samebits.random import quantile
from samebits.random.quantile import DOUBLE, EXPONENTIAL, NORMAL, SINGLE, QuantileGrid
from tools import quantiles as fit

#: Grid, distribution: the error in units of the last place, and the largest result, as the module says.
STATED: list[tuple[QuantileGrid, int, float, float]] = [
    (SINGLE, NORMAL, 1.8, 6.34),
    (SINGLE, EXPONENTIAL, 2.5, 22.2),
    (DOUBLE, NORMAL, 1.8, 9.16),
    (DOUBLE, EXPONENTIAL, 3.1, 44.4),
]
IDS = ["normal32", "exponential32", "normal64", "exponential64"]


def _edges(grid: QuantileGrid) -> list[int]:
    """The magnitudes around the ends of all rows."""
    near: set[int] = set()
    for octave in range(grid.magnitude + 1):
        for segment in range(grid.segments):
            at = (1 << octave) * (grid.segments + segment) // grid.segments
            near |= {at - 2, at - 1, at, at + 1}
    return sorted(m for m in near | {0} if 0 <= m < 1 << grid.magnitude)


def _within(grid: QuantileGrid, each: int) -> list[int]:
    """Magnitudes from within all rows."""
    generator = np.random.default_rng(5)
    rows = []
    for octave in range(4, grid.magnitude):
        rows += [int(m) for m in generator.integers(1 << octave, 2 << octave, each * grid.segments)]
    return rows


def _exact(grid: QuantileGrid, distribution: int, magnitude: int) -> Any:
    function, span = fit.DISTRIBUTIONS[distribution]
    x = min(grid.numpy(magnitude) + grid.numpy(0.5), grid.numpy(grid.most))
    return function(mpmath.mpf(float(x)) / (mpmath.mpf(2) ** grid.magnitude) * span)


def _of(grid: QuantileGrid, distribution: int, magnitudes: list[int]) -> Tensor:
    return quantile.quantile(grid, distribution, torch.tensor(magnitudes))


@pytest.mark.parametrize(("grid", "distribution", "most", "largest"), STATED, ids=IDS)
def test_errors_are_those_stated(grid: QuantileGrid, distribution: int, most: float, largest: float) -> None:
    magnitudes = _edges(grid)[:: 1 if grid is SINGLE else 3] + _within(grid, 12 if grid is SINGLE else 4)
    made = _of(grid, distribution, magnitudes).numpy()
    with mpmath.workdps(50):
        errors = [
            float(abs(mpmath.mpf(float(z)) - _exact(grid, distribution, m)) / float(np.spacing(z)))
            for z, m in zip(made, magnitudes, strict=True)
        ]
    worst = max(range(len(errors)), key=errors.__getitem__)
    assert errors[worst] <= most, (magnitudes[worst], errors[worst])
    assert errors[worst] > 0.5  # not a bound that says nothing


@pytest.mark.parametrize(("grid", "distribution", "most", "largest"), STATED, ids=IDS)
def test_extremes(grid: QuantileGrid, distribution: int, most: float, largest: float) -> None:
    ends = _of(grid, distribution, [0, 1, (1 << grid.magnitude) - 2, (1 << grid.magnitude) - 1])
    assert bool(torch.isfinite(ends).all())
    assert largest - 0.06 < float(ends[0]) <= largest
    assert bool((ends > 0).all())
    assert float(ends[3]) < 2.0 ** (2 - min(grid.magnitude, grid.mantissa + 1))


@pytest.mark.parametrize(("grid", "distribution", "most", "largest"), STATED, ids=IDS)
def test_a_larger_magnitude_has_a_smaller_quantile(
    grid: QuantileGrid, distribution: int, most: float, largest: float
) -> None:
    magnitudes = sorted({*_edges(grid), *_within(grid, 500)})
    z = _of(grid, distribution, magnitudes)
    steps = (z[1:] - z[:-1]) / torch.from_numpy(np.spacing(z[1:].numpy()))
    assert float(steps.max()) <= 2  # neighbours may change places by rounding, no more
    far = torch.tensor(magnitudes[1:]) - torch.tensor(magnitudes[:-1]) > torch.tensor(magnitudes[1:]) >> 16
    assert bool((steps[far] < 0).all())


def test_single_and_double_agree_with_scipy() -> None:
    p = np.linspace(0.01, 0.99, 500)
    magnitude = torch.from_numpy((p * 2.0**31).astype(np.int64))
    exact = (magnitude.numpy() + 0.5) / 2.0**31
    for grid, shift, tolerance in ((SINGLE, 0, 3e-7), (DOUBLE, 32, 1e-9)):
        normal = quantile.quantile(grid, NORMAL, magnitude << shift).numpy()
        exponential = quantile.quantile(grid, EXPONENTIAL, magnitude << shift).numpy()
        np.testing.assert_allclose(normal, -stats.norm.ppf(exact / 2), rtol=tolerance, atol=1e-7)
        np.testing.assert_allclose(exponential, -np.log(exact), rtol=tolerance, atol=1e-7)


def test_words_into_quantiles() -> None:
    words = torch.tensor([0, 1, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF])
    z = quantile.normal32(words)
    assert torch.equal(z[3:], -z[:3])
    assert bool((z[:3] > 0).all())
    low = torch.tensor([0, 5, 0xFFFFFFFF] * 2)
    high = torch.tensor([0, 1, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF])
    wide = quantile.normal64(high, low)
    assert torch.equal(wide[3:], -wide[:3])
    e, half = quantile.exponential32(words), quantile.exponential64(high, low)
    assert torch.equal(e[3:], e[:3])  # the highest bit is not asked
    assert torch.equal(half[3:], half[:3])


def test_tables_stay_where_they_are() -> None:
    assert quantile.numbers(SINGLE) is quantile.numbers(SINGLE)
    assert quantile.numbers(SINGLE).shape == (2, 7, 64)
    assert quantile.numbers(DOUBLE).shape == (2, 12, 256)
    assert quantile.numbers(DOUBLE).flags["C_CONTIGUOUS"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "grid", [SINGLE, pytest.param(DOUBLE, marks=pytest.mark.deep)], ids=lambda grid: grid.name
)
def test_tables_are_what_the_fit_makes(grid: QuantileGrid) -> None:
    assert np.array_equal(quantile.numbers(grid), fit.table(grid))
