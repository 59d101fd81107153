"""How rows are judged: what should not reach, what may by rounding, what must."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from samebits.compare import Verdict
from samebits.control.change import Change, Should
from samebits.model.divergence import Difference, Divergence
from samebits.model.events import RANDOM, Event
from samebits.model.finding import Finding
from samebits.trials.stress import entering
from samebits.trials.stress.row import TrialRow, judged
from samebits.trials.stress.weights import Reach

from .conftest import APART, SAME

RUNS: Any = (
    SimpleNamespace(id="a", info={}, records={}),
    SimpleNamespace(id="b", info={"seconds": 2.0}, records={}),
)
VERDICT = Verdict("diverged", ("a", "b"))


def word(should: Should, reach: Reach, verdict: Verdict = VERDICT) -> str:
    change = Change("some-change", "something", should, "say why.")
    return judged(change, reach, verdict, (), RUNS).word


def first(kind: str, difference: Difference, flags: int = 0) -> Verdict:
    event = Event(0, kind, "aten::mm", "forward", 0, flags, 1)
    return replace(VERDICT, divergence=Divergence("value", 0, "main", 0, event, event, difference))


@pytest.mark.parametrize(
    ("should", "same", "apart"),
    [
        ("must not", "ok", "finding"),
        ("rounding", "ok", "ok"),
        ("must", "finding", "ok"),
        ("may", "may", "may"),
    ],
)
def test_what_should(should: Should, same: str, apart: str) -> None:
    assert word(should, SAME) == same
    assert word(should, APART) == apart


@pytest.mark.parametrize(
    ("begins", "wide", "expected"),
    [
        (1e-7, True, "ok"),
        (9e-4, True, "ok"),
        (2e-3, True, "finding"),
        (2e-2, False, "ok"),
        (2e-1, False, "finding"),
        (math.inf, True, "finding"),
    ],
)
def test_the_size_of_rounding(begins: float, wide: bool, expected: str) -> None:
    assert word("rounding", replace(APART, begins=begins, wide=wide)) == expected


RELATED = Difference(10, 10, 1e-6, 3)
UNRELATED = Difference(10, 10, 1.0, 1 << 30, far=10)


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (first("batch", UNRELATED), "finding"),
        (first("batch", RELATED), "ok"),
        (first("op", UNRELATED, RANDOM), "finding"),
        (first("op", RELATED, RANDOM), "ok"),
        (first("op", UNRELATED), "ok"),  # a sum that cancels: the losses are near
    ],
)
def test_other_data_are_no_rounding(verdict: Verdict, expected: str) -> None:
    assert word("rounding", APART, verdict) == expected


def test_another_number_of_steps_is_a_finding() -> None:
    row = judged(Change("x", "y", why="say why."), replace(SAME, steps=(20, 18)), VERDICT, ("did",), RUNS)
    assert row.word == "finding"
    assert row.sentence == "the run took 18 steps, and 20 without the change. Say why."
    assert TrialRow.from_json(row.as_json()) == row


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("nan-memory", ["uninitialized-memory", "hash-order"]),
        ("start-time", ["uninitialized-memory", "wall-clock", "hash-order"]),
    ],
)
def test_a_reading_that_is_another_in_each_run_is_no_cause(change: str, named: list[str]) -> None:
    causes = [
        Finding(0.9, None, "why", "fix", cause=name)
        for name in ("wall-clock", "hash-order", "environment-difference", "uninitialized-memory")
    ]
    made = Change(change, "something", "must not", "say why.", cause="uninitialized-memory")
    found = entering.causes(made, replace(VERDICT, causes=tuple(causes)), RUNS)
    assert sorted(each["cause"] for each in found) == sorted(named)
    assert found[0]["cause"] == "uninitialized-memory"
