"""How long operations are recorded at level "auto", and that the second run does as the first one did."""

from __future__ import annotations

from typing import Any

import pytest
import torch

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


@pytest.mark.usefixtures("generators_restored")
def test_an_opening_holds_what_a_zoom_shows(observe: Any) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    large = torch.ones(opening.CAPTURE // opening.SHARE // 4 + 1)
    with observe(level="auto") as seen:
        seen.trace.observer.spent()
        large * 2
        loss = model(torch.rand(4, 3)).sum()
        loss.item()
        loss.backward()
        optimizer.step()
        assert seen.trace.observer.spent() > 0
        assert seen.trace.session.operations
    record, events = seen.run.records["main"], seen.events
    ops = {event.name: event for event in events if event.kind == "op"}
    product, drawn = ops["aten::mul"], ops["aten::uniform_"]
    assert product.inputs
    assert drawn.generator
    assert record.value(0, product.index) is None  # too large a share of what may be kept
    assert record.value(0, drawn.index) is not None
    assert [event.name for event in events if event.kind == "read"] == ["aten::_local_scalar_dense"]
    assert record.notes["operations_until"] is None
    assert record.notes["modules"] == {"0": "Linear"}


@pytest.mark.usefixtures("generators_restored")
def test_after_its_opening_a_run_is_recorded_per_step(observe: Any) -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    with observe(level="auto", until={"main": 2}) as seen:
        for _ in range(4):
            optimizer.zero_grad()
            loss = weight.square().sum()
            loss.item()
            loss.backward()
            optimizer.step()
    record, events = seen.run.records["main"], seen.events
    assert {event.step for event in events if event.kind == "op"} == {0, 1}
    reads = [event.name for event in events if event.kind == "read"]
    assert reads == ["aten::_local_scalar_dense"] * 2 + ["Tensor.item"] * 2
    assert [event.step for event in events if event.kind == "loss"] == [0, 1, 2, 3]
    assert record.notes["operations_until"] == 2


@pytest.mark.usefixtures("generators_restored")
def test_an_opening_ends_where_cuda_begins(observe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(torch.cuda, "_lazy_call", asked.append)
    with observe(level="auto") as seen:
        torch.ones(3) * 2
        for call in asked:  # as torch does where CUDA is first used
            call()
        torch.ones(3) * 4
        assert not seen.trace.session.operations
    assert len(seen.named("aten::mul")) == 1
    assert seen.run.records["main"].notes["operations_until"] == 0
