"""The committed logs, and how a test compares one with what is known of it."""

from __future__ import annotations

from math import inf, nan
from pathlib import Path

import numpy as np

from samebits.metrics import MetricLog, Series

FILES = Path(__file__).parent / "files"

THIRD, FIFTH, SIXTH, SEVENTH = (
    0.3333333333333333,
    0.2,
    0.16666666666666666,
    0.14285714285714285,
)
#: The loss of the five steps, as float64 and as float32.
LOSS = [THIRD, 0.25, FIFTH, SIXTH, SEVENTH]
LOSS32 = [0.3333333432674408, 0.25, 0.20000000298023224, 0.1666666716337204, 0.1428571492433548]
#: The accuracy of the steps 0, 2 and 4.
ACCURACY = [0.0, 0.2857142857142857, 0.5714285714285714]
ACCURACY32 = [0.0, 0.2857142984867096, 0.5714285969734192]
ODD = [0.5, inf, -inf, nan, -0.0]


def fixture(name: str) -> Path:
    """The folder of a library, whatever its version."""
    (found,) = FILES.glob(f"{name}-[0-9]*")
    return found


def same(
    series: Series, steps: list[int], values: list[float], dtype: str, digits: int | None = None
) -> bool:
    """Whether a series is this one to the bit."""
    return (
        series.steps.dtype == np.int64
        and series.values.dtype == np.float64
        and series.steps.tolist() == steps
        and series.values.tobytes().hex() == np.array(values, np.float64).tobytes().hex()
        and (series.dtype, series.digits) == (dtype, digits)
    )


def numbers(log: MetricLog) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by name."""
    return {
        name: list(zip(series.steps.tolist(), series.values.tolist(), strict=True))
        for name, series in log.series.items()
    }
