"""Which value of one log belongs to which of another: the n-th that each logged at a step.

A run that was resumed logs some steps twice, and a run that was stopped lacks the last: so values are joined
by step and occurrence, never by their place in the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from samebits.metrics.series import Series

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def paired(a: Series, b: Series) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Steps, and both runs' values, where both logged one; in the order of the first log.

    A step that a log has more than once is paired by how often it came before.
    """
    import numpy as np

    if np.array_equal(a.steps, b.steps):
        return a.steps, a.values, b.values
    _, places = joined([a, b])
    _, at_a, at_b = np.intersect1d(places[0], places[1], assume_unique=True, return_indices=True)
    order = np.argsort(at_a)
    at_a, at_b = at_a[order], at_b[order]
    return a.steps[at_a], a.values[at_a], b.values[at_b]


def joined(series: Sequence[Series]) -> tuple[NDArray[np.int64], list[NDArray[np.intp]]]:
    """The steps that any log has, ascending, and for each log where in them its values belong."""
    import numpy as np

    first = series[0].steps
    if all(np.array_equal(one.steps, first) for one in series) and bool((np.diff(first) > 0).all()):
        return first, [np.arange(len(first))] * len(series)
    distinct, numbers = np.unique(np.concatenate([one.steps for one in series]), return_inverse=True)
    ends = np.cumsum([len(one) for one in series])
    parts = np.split(numbers, ends[:-1])
    again = [_occurrences(part) for part in parts]
    width = 1 + max(int(one.max(initial=0)) for one in again)
    keys = [part * width + often for part, often in zip(parts, again, strict=True)]
    places, inverse = np.unique(np.concatenate(keys), return_inverse=True)
    return distinct[places // width], np.split(inverse, ends[:-1])


def last_of_all(series: Sequence[Series]) -> tuple[float, ...]:
    """What each logged at the last step that all have; nothing where there is none."""
    import numpy as np

    _, places = joined(series)
    shared = places[0]
    for own in places[1:]:
        shared = np.intersect1d(shared, own, assume_unique=True)
    if not len(shared):
        return ()
    last = shared.max()
    return tuple(
        float(one.values[int(np.flatnonzero(own == last)[0])])
        for one, own in zip(series, places, strict=True)
    )


def _occurrences(numbers: NDArray[np.signedinteger[Any]]) -> NDArray[np.intp]:
    """How often each element came before."""
    import numpy as np

    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    starts = np.flatnonzero(np.concatenate([ordered[:1] == ordered[:1], ordered[1:] != ordered[:-1]]))
    found = np.empty_like(order)
    found[order] = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    return found


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
