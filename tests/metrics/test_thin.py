"""Curves with fewer points: true points alone, and no spike, end or difference lost."""

from __future__ import annotations

import json
import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samebits.metrics import Series
from samebits.metrics.thin import Curve, curve

from .made import series

NAN, INF = math.nan, math.inf


def points(found: Curve, run: int) -> list[tuple[int, float]]:
    return [(step, value) for step, value in zip(found.steps, found.values[run], strict=True)
            if value is not None]  # fmt: skip


@settings(max_examples=60)
@given(
    st.integers(1, 3000),
    st.integers(1, 4),
    st.integers(20, 400),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["none", "nan", "inf", "missing"]),
)
def test_what_stays(count: int, runs: int, most: int, seed: int, odd: str) -> None:
    """True points alone; the ends, each run's extremes, the largest difference; and not many more."""
    draw = np.random.default_rng(seed)
    base = draw.standard_normal(count)
    rows = [base if run == 0 else np.where(draw.random(count) < 0.1, base + draw.standard_normal(count), base)
            for run in range(runs)]  # fmt: skip
    if odd in ("nan", "inf"):
        for row in rows:
            row[draw.random(count) < 0.05] = NAN if odd == "nan" else INF
    made = [series(row.copy()) for row in rows]
    if odd == "missing" and runs > 1:
        keep = draw.random(count) < 0.7
        made[-1] = series(rows[-1][keep], np.flatnonzero(keep).tolist())
    found = curve(made, most)
    assert found.total == len(np.unique(np.concatenate([one.steps for one in made])))
    assert found.steps == sorted(found.steps)
    assert len(found.steps) <= max(most, 0) + 2 * runs + 3 + 201 + 400
    for run, one in enumerate(made):
        true = dict(zip(one.steps.tolist(), one.values.tolist(), strict=True))
        kept = points(found, run)
        assert all(repr(true[step]) == repr(value) for step, value in kept)
        finite = [value for value in true.values() if math.isfinite(value)]
        if finite:
            shown = [value for _, value in kept if math.isfinite(value)]
            assert (min(shown), max(shown)) == (min(finite), max(finite))
    assert found.steps[0] == min(int(one.steps[0]) for one in made if len(one))
    assert found.steps[-1] == max(int(one.steps[-1]) for one in made if len(one))
    first = dict(points_of(made[0]))
    apart = sorted(step for one in made[1:] for step, value in points_of(one)
                   if step in first and repr(value) != repr(first[step]))  # fmt: skip
    assert found.first == (apart[0] if apart else None)
    if apart:
        assert apart[0] in found.steps
    gaps = [(abs(value - first[step]), step) for one in made[1:] for step, value in points_of(one)
            if step in first and math.isfinite(value) and math.isfinite(first[step])]  # fmt: skip
    if gaps and odd in ("none", "missing"):
        shown = set(found.steps)
        assert max(gap for gap, _ in gaps) == max(gap for gap, step in gaps if step in shown)


def points_of(one: Series) -> list[tuple[int, float]]:
    return list(zip(one.steps.tolist(), one.values.tolist(), strict=True))


def test_every_stretch_keeps_its_extremes_and_its_largest_difference() -> None:
    """Ten thousand points to 500: a stretch has 100, and each keeps at least five of interest."""
    a = np.sin(np.arange(10_000) / 7.0) + np.arange(10_000) % 13
    b = a + np.where(np.arange(10_000) % 50 == 31, 0.5 + np.arange(10_000) % 977, 0.0)
    found = curve([series(a), series(b)], 500)
    kept = set(found.steps)
    for start in range(0, 10_000, 100):
        part = slice(start, start + 100)
        for row in (a, b):
            assert start + int(row[part].argmin()) in kept
            assert start + int(row[part].argmax()) in kept
        assert start + int(abs(a - b)[part].argmax()) in kept
    assert len(found.steps) <= 500 + 2 + 201


@pytest.mark.parametrize("runs", [2, 8, 30])
def test_the_rest_of_a_division_is_a_stretch_like_any_other(runs: int) -> None:
    """However long a stretch is, what the length leaves over is thinned as well."""
    made = [series(np.cos(np.arange(99_999) + run)) for run in range(runs)]
    assert len(curve(made, 500).steps) <= 500 + 2 * runs + 3 + 201


def test_a_number_beside_nan_is_never_hidden() -> None:
    """Long after the first difference, amid larger ones."""
    a, b = np.ones(50_000), np.ones(50_000)
    b[10] = 2.0
    b[20_000:20_100] = 50.0
    b[20_050] = NAN
    assert 20_050 in curve([series(a), series(b)], 500).steps


def test_all_around_the_first_difference_stays() -> None:
    b = np.zeros(100_000)
    b[5000:] = 1.0
    found = curve([series(np.zeros(100_000)), series(b)], 500)
    assert set(range(4900, 5101)) <= set(found.steps)
    assert found.first == 5000


def test_few_points_all_stay() -> None:
    found = curve([series([3.0, NAN, -0.0]), series([3.0], [7])], 500)
    assert (found.total, found.steps) == (4, [0, 1, 2, 7])
    assert found.as_json() == {
        "name": "loss", "dtype": "float64", "total": 4, "steps": [0, 1, 2, 7],
        "values": [[3.0, "nan", -0.0, None], [None, None, None, 3.0]], "first": None,
    }  # fmt: skip
    assert str(found.as_json()["values"][0][2]) == "-0.0"


def test_steps_that_come_twice_stay_twice() -> None:
    found = curve([series([1, 2, 3, 4], [0, 1, 1, 2]), series([1, 2, 9], [0, 1, 2])], 500)
    assert found.steps == [0, 1, 1, 2]
    assert found.values == [[1, 2, 3, 4], [1, 2, None, 9]]
    assert found.first == 2


def test_nothing_at_all() -> None:
    assert curve([series([]), series([])], 500).as_json()["steps"] == []


@given(st.lists(st.floats(width=32), min_size=1, max_size=50))
def test_float32_decimals_read_back_exactly(values: list[float]) -> None:
    """As JSON has them: the shortest that is this float32, which a float32 parser gets back to the bit."""
    document = curve([series(values, dtype="float32")], 500).as_json()
    read = json.loads(json.dumps(document, allow_nan=False))["values"][0]
    for value, shown in zip(values, read, strict=True):
        if isinstance(shown, str):
            assert shown == str(value)
        else:
            assert struct.pack("<f", shown) == struct.pack("<f", value)
            assert len(repr(shown)) <= len(repr(value))


@given(st.lists(st.floats(), min_size=1, max_size=50))
def test_float64_is_as_it_is(values: list[float]) -> None:
    document = curve([series(values)], 500).as_json()
    read = json.loads(json.dumps(document, allow_nan=False))["values"][0]
    assert [str(value) for value in values] == [str(value) for value in read]


def test_an_overflowing_difference_is_no_warning() -> None:
    assert curve([series([1e308] * 900), series([-1e308] * 900)], 100).first == 0
