"""Of which type the numbers of a log were, and whether it rounded them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from samebits.metrics.scalars import Scalars, dtype_of, significant, unrounded

RANDOM = np.random.default_rng(0).random(50)


def printed(values: np.ndarray, form: str) -> np.ndarray:
    return np.array([float(form % value) for value in values])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.5, 3.0, math.nan, math.inf], "float32"),
        ([0.1], "float64"),
        ([float(np.float32(0.1))], "float32"),
        ([1e300], "float64"),
        ([1e-320], "float64"),
        ([], "float32"),
    ],
)
def test_types(values: list[float], expected: str) -> None:
    assert dtype_of(np.array(values, np.float64)) == expected


@pytest.mark.parametrize(
    ("value", "digits"),
    [(0.012, 2), (1.2e30, 2), (-100.0, 1), (0.0, 0), (1234.5, 5), (1 / 3, 16), (5e-324, 1), (100.5, 4)],
)
def test_significant_digits(value: float, digits: int) -> None:
    assert significant(value) == digits


@pytest.mark.parametrize("digits", [2, 3, 4, 5, 6, 7, 8])
def test_rounded_values_are_found(digits: int) -> None:
    values = printed(RANDOM, f"%.{digits}g")
    found, kept = unrounded(values)
    assert kept == digits
    assert found.tolist() == values.tolist()


def test_float32_as_printed_is_float32() -> None:
    values = RANDOM.astype(np.float32)
    found, kept = unrounded(np.array([float(str(value)) for value in values]))
    assert kept is None
    assert found.tolist() == values.astype(np.float64).tolist()
    assert dtype_of(found) == "float32"


@pytest.mark.parametrize(
    "values",
    [
        RANDOM.tolist(),
        printed(RANDOM, "%.9g").tolist(),
        RANDOM.astype(np.float32).astype(float).tolist(),
        [0.5, 0.25, 0.125, 3.0, 17.0],  # binary fractions, and counts
        [0.1, 0.01, 0.001, 0.0001, 0.00001],  # a schedule
        [0.05, 0.15, 0.25] * 10,  # too few to tell
        [math.nan, math.inf],
        [],
    ],
)
def test_others_are_as_they_are(values: list[float]) -> None:
    found, kept = unrounded(np.array(values, np.float64))
    assert kept is None
    assert found.tobytes() == np.array(values, np.float64).tobytes()


def test_only_a_decimal_log_rounds() -> None:
    for decimal, digits in ((True, 3), (False, None)):
        scalars = Scalars(decimal=decimal)
        scalars.extend("loss", np.arange(50), printed(RANDOM, "%.3g"))
        assert scalars.series("loss").digits == digits
