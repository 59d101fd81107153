"""How long operations are recorded at level "auto", and that the second run does as the first one did."""

from __future__ import annotations

from typing import Any

import pytest

from samebits.observe import opening
from samebits.observe.opening import Opening
from samebits.observe.plan import Plan


class Costly:
    """An observer that says what observing has cost."""

    def __init__(self) -> None:
        self.cost, self.events = 0.0, 0
        self.zooms: list[tuple[Any, ...]] = []
        self.measures = self.on = False

    def operations(self, on: bool) -> None:
        self.on = on

    def zoom(self, *given: Any) -> None:
        self.zooms.append(given)

    def timed(self, on: bool) -> None:
        self.measures = on

    def spent(self) -> float:
        return self.cost

    def position(self) -> int:
        return self.events


def _opened(until: dict[str, int | None] | None = None) -> tuple[Opening, Costly]:
    observer = Costly()
    found = Opening(Plan("/r", level="auto", until=until), "main", observer)  # type: ignore[arg-type]
    found.begin()
    return found, observer


def test_it_begins_with_operations_inputs_and_outputs_and_measures() -> None:
    found, observer = _opened()
    assert (observer.on, observer.measures) == (True, True)
    assert observer.zooms == [(True, opening.CAPTURE, opening.SHARE)]
    found.end()
    assert observer.measures is False
    assert observer.zooms[-1] == (False, 0)


def test_it_lasts_while_it_is_cheap_and_ends_when_it_is_not() -> None:
    found, observer = _opened()
    observer.cost = 30.0  # what is found once: names of modules, lines of code
    assert not found.is_over(1)
    observer.cost += opening.AT_LEAST / 2
    assert not found.is_over(2)
    observer.cost += 60.0
    assert found.is_over(3)


@pytest.mark.parametrize(("step", "events"), [(opening.STEPS, 0), (2, opening.EVENTS + 1)])
def test_a_long_program_is_not_recorded_so_to_its_end(step: int, events: int) -> None:
    found, observer = _opened()
    observer.events = events
    assert not found.is_over(1) or events
    assert found.is_over(step)


@pytest.mark.parametrize(("until", "over"), [({"main": 7}, [7, 8]), ({"main": None}, [])])
def test_it_follows_the_first_run(until: dict[str, int | None], over: list[int]) -> None:
    found, observer = _opened(until)
    assert not observer.measures
    observer.cost = 1e9
    assert [step for step in range(1, 9) if found.is_over(step)] == over


def test_a_process_that_the_first_run_had_not_decides_by_itself() -> None:
    found, observer = _opened({"rank1": None})
    assert not found.is_over(1)
    observer.cost = 1e9
    assert found.is_over(2)
