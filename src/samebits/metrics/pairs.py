"""Which value of one log belongs to which of another: the n-th that both logged at a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    distinct, numbers = np.unique(np.concatenate([a.steps, b.steps]), return_inverse=True)
    first, second = numbers[: len(a)], numbers[len(a) :]
    again_a, again_b = _occurrences(first), _occurrences(second)
    width = 1 + max(again_a.max(initial=0), again_b.max(initial=0))
    _, at_a, at_b = np.intersect1d(
        first * width + again_a, second * width + again_b, assume_unique=True, return_indices=True
    )
    order = np.argsort(at_a)
    at_a, at_b = at_a[order], at_b[order]
    return a.steps[at_a], a.values[at_a], b.values[at_b]


def _occurrences(numbers: NDArray[np.intp]) -> NDArray[np.intp]:
    """How often each element came before."""
    import numpy as np

    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    found = np.empty_like(order)
    found[order] = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    return found
