"""Values beside each other: by step and occurrence, whatever else the two logs hold."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samebits.metrics import Series
from samebits.metrics.pairs import distances, last_of_all, paired


def series(*steps: int, start: float = 0.0) -> Series:
    """Values that tell where in the log each is."""
    return Series("loss", np.array(steps, np.int64), start + np.arange(len(steps), dtype=np.float64))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((), (), []),
        ((), (1, 2), []),
        ((1, 2, 3), (1, 2, 3), [(1, 0, 0), (2, 1, 1), (3, 2, 2)]),
        ((1, 2, 3), (2, 3, 4), [(2, 1, 0), (3, 2, 1)]),
        ((1, 2), (3, 4), []),
        ((0, 1, 2, 1, 2, 3), (0, 1, 2, 3), [(0, 0, 0), (1, 1, 1), (2, 2, 2), (3, 5, 3)]),  # resumed at 1
        ((5, 5, 5), (5, 5), [(5, 0, 0), (5, 1, 1)]),
        ((3, 1, 2), (1, 2, 3), [(3, 0, 2), (1, 1, 0), (2, 2, 1)]),  # in the order of the first
    ],
)
def test_pairs(a: tuple[int, ...], b: tuple[int, ...], expected: list[tuple[int, float, float]]) -> None:
    steps, values_a, values_b = paired(series(*a), series(*b))
    assert list(zip(steps.tolist(), values_a.tolist(), values_b.tolist(), strict=True)) == expected
    assert (steps.dtype, values_a.dtype, values_b.dtype) == (np.int64, np.float64, np.float64)


STEPS = st.lists(st.integers(-3, 6), max_size=25)


@settings(max_examples=50)
@given(STEPS, STEPS)
def test_it_is_a_join_by_step_and_occurrence(a: list[int], b: list[int]) -> None:
    def keyed(steps: list[int]) -> dict[tuple[int, int], int]:
        seen: defaultdict[int, int] = defaultdict(int)
        found = {}
        for place, step in enumerate(steps):
            found[step, seen[step]] = place
            seen[step] += 1
        return found

    places = keyed(b)
    expected = [(key[0], place, places[key]) for key, place in keyed(a).items() if key in places]
    steps, values_a, values_b = paired(series(*a), series(*b))
    assert list(zip(steps.tolist(), values_a.tolist(), values_b.tolist(), strict=True)) == expected


def test_equal_steps_copy_nothing() -> None:
    a, b = series(4, 4, 2), series(4, 4, 2, start=10)
    steps, values_a, values_b = paired(a, b)
    assert steps is a.steps
    assert values_a is a.values
    assert values_b is b.values


def test_distances() -> None:
    nan, inf = float("nan"), float("inf")
    a = np.array([1.0, 1.0, nan, nan, 2.0, inf, inf, inf, 0.0, -1e308])
    b = np.array([1.0, 3.5, nan, 2.0, nan, inf, -inf, 1.0, -0.0, 1e308])
    assert distances(a, b).tolist() == [0.0, 2.5, 0.0, inf, inf, 0.0, inf, inf, 0.0, inf]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(0, 1, 2), (0, 1, 2)], (2.0, 2.0)),
        ([(0, 1, 2), (0, 1)], (1.0, 1.0)),
        ([(0, 1, 2), (2, 1, 0)], (2.0, 0.0)),
        ([(0, 1, 1), (0, 1, 1)], (2.0, 2.0)),
        ([(0, 1, 1), (0, 1)], (1.0, 1.0)),
        ([(0, 1), (1, 2), (2, 3)], ()),
        ([(5,), (3, 5), (5, 7)], (0.0, 1.0, 0.0)),
        ([(), (1,)], ()),
    ],
)
def test_the_last_of_all(steps: list[tuple[int, ...]], expected: tuple[float, ...]) -> None:
    """At the last step, and the last time it came, that every log has."""
    assert last_of_all([series(*one) for one in steps]) == expected
