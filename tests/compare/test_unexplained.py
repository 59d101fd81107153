"""What is said where the evidence shows no cause."""

from __future__ import annotations

from typing import Any

import pytest
from tests.compare.conftest import FakeRecord, FakeRun

from samebits.compare import compare
from samebits.compare.unexplained import unexplained
from samebits.model.divergence import Divergence
from samebits.model.events import EXTERNAL, Event
from samebits.model.sites import Site

_INFO = {"argv": ["train.py", "--epochs", "1"], "kind": "script"}
_TRY = "samebits verify --seed 1 --deterministic train.py --epochs 1"


def _event(name: str = "aten::mul.Tensor", **more: Any) -> Event:
    return Event(3, "op", name, "forward", 0, more.pop("flags", 0), 1, site=Site("train.py", 4), **more)


def _said(a: Event | None, b: Event | None, *, change: Any = "value", operations: bool = True) -> str:
    return unexplained(Divergence(change, 0, "main", 0, a, b), operations, _INFO)


def test_what_came_from_outside() -> None:
    event = _event("aten::lift_fresh", flags=EXTERNAL)
    text = _said(event, event)
    assert "came from outside torch at this line, by torch.tensor / torch.from_numpy at train.py:4" in text
    assert text.endswith(_TRY)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [((7, 7), "the same tensors in both runs"), ((7, 8), "other inputs"), ((None, 8), "first result that")],
)
def test_by_the_inputs(inputs: tuple[int | None, int], words: str) -> None:
    text = _said(_event(inputs=inputs[0]), _event(inputs=inputs[1]))
    assert words in text
    assert text.endswith(_TRY)


def test_another_sequence() -> None:
    assert "did not run in both" in _said(_event(), None, change="missing")


def test_per_step_the_operations_are_to_be_recorded() -> None:
    loss = Event(3, "loss", "loss", "forward", 0, 0, 1, site=Site("train.py", 9))
    text = _said(loss, loss, operations=False)
    assert text.endswith("samebits verify --level op train.py --epochs 1")
    assert "--deterministic" not in text


def test_two_commands_are_no_other_environment() -> None:
    runs = []
    for number in (1, 2):
        words = ["train.py", "--every", str(number)]
        event = Event(0, "loss", "loss", "forward", 0, 0, number, site=Site("train.py", 9))
        record = FakeRecord({0: [event]}, manifest={"argv": words})
        info = {"status": "finished", "exit_code": 0, "kind": "script", "argv": words}
        runs.append(FakeRun(str(number), {"main": record}, info))
    verdict = compare(*runs)
    assert verdict.verdict == "diverged"
    assert verdict.commands == ("train.py --every 1", "train.py --every 2")
    assert verdict.causes == ()
    assert verdict.unexplained.startswith("The two runs are not one command")
    assert [row.key for row in verdict.environment] == ["argv"]
