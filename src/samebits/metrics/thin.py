"""One metric of several runs as a curve to draw: few points, each a true one, and no difference hidden.

Averages and every n-th point would hide a spike, or the step at which runs part.  So of each stretch of steps
those stay at which a run is smallest or largest and at which the runs differ most, and all around the first
difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from samebits.metrics.pairs import joined
from samebits.metrics.series import Series

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_AROUND: Final = 100  # points on each side of the first difference that all stay


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of several runs.

    Attributes:
        dtype: of the values: "float32", "float64".
        total: how many points there are; ``steps`` may be fewer.
        steps: in ascending order; a step may come more than once.
        values: a list a run; None: that run logged nothing there.
        first: the first step at which the runs do not all have the same value.
    """

    name: str
    dtype: str
    total: int
    steps: list[int]
    values: list[list[float | None]]
    first: int | None

    def as_json(self) -> dict[str, Any]:
        """With the shortest decimals that are these values; "nan", "inf" and "-inf" are words."""
        return {
            "name": self.name,
            "dtype": self.dtype,
            "total": self.total,
            "steps": self.steps,
            "values": [[_shortest(value, self.dtype) for value in values] for values in self.values],
            "first": self.first,
        }


def curve(series: Sequence[Series], most: int) -> Curve:
    """The curve of one metric, a series a run, with at most about so many points."""
    import numpy as np

    steps, values, there = _together(series)
    differs = _differs(values, there)
    where = np.flatnonzero(differs)
    first = int(where[0]) if len(where) else None
    kept = np.arange(len(steps)) if len(steps) <= most else _kept(values, there, first, most)
    known = [
        [float(value) if has else None for value, has in zip(row[kept], mask[kept], strict=True)]
        for row, mask in zip(values, there, strict=True)
    ]
    dtype = "float32" if all(one.dtype == "float32" for one in series) else "float64"
    return Curve(
        series[0].name,
        dtype,
        len(steps),
        steps[kept].tolist(),
        known,
        None if first is None else int(steps[first]),
    )


def _together(
    series: Sequence[Series],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """All steps in order; the runs' values there; whether each logged one."""
    import numpy as np

    steps, places = joined(series)
    values = np.full((len(series), len(steps)), np.nan)
    there = np.zeros(values.shape, dtype=bool)
    for row, (one, own) in enumerate(zip(series, places, strict=True)):
        values[row, own] = one.values
        there[row, own] = True
    return steps, values, there


def _differs(values: NDArray[np.float64], there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a run that logged something has another value than the first run that did."""
    import numpy as np

    bits = values.view(np.int64)
    both = there[1:] & there[:1]
    unequal = (bits[1:] != bits[:1]) & ~(np.isnan(values[1:]) & np.isnan(values[:1]))
    found: NDArray[np.bool_] = (both & unequal).any(axis=0)
    return found


def _kept(
    values: NDArray[np.float64], there: NDArray[np.bool_], first: int | None, most: int
) -> NDArray[np.intp]:
    """The places of the points that stay."""
    import numpy as np

    runs, count = values.shape
    width = math.ceil(count * (2 * runs + 1) / most)
    starts = np.arange(0, count, width)

    def largest(row: NDArray[np.float64]) -> NDArray[np.intp]:
        filled = np.pad(row, (0, len(starts) * width - count), constant_values=-np.inf)
        found: NDArray[np.intp] = starts + filled.reshape(-1, width).argmax(axis=1)
        return found

    finite = np.isfinite(values) & there
    with np.errstate(over="ignore", invalid="ignore"):
        gaps = np.where(finite[1:] & finite[:1], np.abs(values[1:] - values[:1]), -1.0)
    gaps[there[1:] & there[:1] & (finite[1:] != finite[:1])] = np.inf  # one alone has a number
    chosen = [np.array([0, count - 1]), largest(gaps.max(axis=0, initial=-1.0))]
    for row, known in zip(values, finite, strict=True):
        chosen += [largest(np.where(known, row, -np.inf)), largest(np.where(known, -row, -np.inf))]
    odd = np.flatnonzero(there.any(axis=0) & ~finite.any(axis=0))  # NaN or an infinity alone: some of them
    chosen.append(odd[:: max(1, len(odd) // 200)])
    if first is not None:
        chosen.append(np.arange(max(0, first - _AROUND), min(count, first + _AROUND + 1)))
    return np.unique(np.concatenate(chosen))


def _shortest(value: float | None, dtype: str) -> float | str | None:
    import numpy as np

    if value is None:
        return None
    if not math.isfinite(value):
        return str(value)
    return float(str(np.float32(value))) if dtype == "float32" else value
