"""Which value of one run is beside which of another: the n-th at a step beside the n-th at that step.

A run that was resumed logs some steps twice, and a run that was stopped lacks the last: so values are joined
by step and occurrence, never by their place in the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from samebits.metrics.series import Series

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def paired(a: Series, b: Series) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """The steps that both runs logged, and what each logged there, in the order of ``a``.

    Where all steps are equal these are the arrays of ``a`` and ``b`` themselves: not to be written to.

    Returns:
        steps int64 (n,), values of ``a`` float64 (n,), values of ``b`` float64 (n,).
    """
    import numpy as np

    if np.array_equal(a.steps, b.steps):
        return a.steps, a.values, b.values
    order_a, order_b = (np.argsort(series.steps, kind="stable") for series in (a, b))
    steps_a, steps_b = a.steps[order_a], b.steps[order_b]
    occurrence = np.arange(len(steps_a)) - np.searchsorted(steps_a, steps_a, "left")
    place = np.searchsorted(steps_b, steps_a, "left") + occurrence
    both = place < np.searchsorted(steps_b, steps_a, "right")
    chosen_a, chosen_b = order_a[both], order_b[place[both]]
    logged = np.argsort(chosen_a)
    chosen_a, chosen_b = chosen_a[logged], chosen_b[logged]
    return a.steps[chosen_a], a.values[chosen_a], b.values[chosen_b]


def distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far apart paired values are: 0 exactly where they are the same, NaN beside NaN included.

    Args:
        a, b: float64 (n,), as `paired` returns them.

    Returns:
        float64 (n,), never NaN; infinite where one is NaN or infinite and the other is not the same.
    """
    import numpy as np

    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(b - a)
    apart[np.isnan(apart)] = np.inf
    apart[same] = 0.0
    return apart
