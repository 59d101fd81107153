"""What is to be changed in a program: checked once, and the same on its way to the process."""

from __future__ import annotations

import json
from typing import Any

import pytest

from samebits.control.settings import PARTS, Control
from samebits.errors import UsageError, UsageTypeError


@pytest.mark.parametrize(
    "control",
    [
        Control(),
        Control(0),
        Control(2**128 - 1, True, True),
        Control(None, True),
        Control.of(["numpy", "operations"], 7, changes=["one-thread"]),
        Control(changes=("listing-order",)),
    ],
)
def test_it_survives_json(control: Control) -> None:
    assert Control.from_json(json.loads(json.dumps(control.as_json() | {"path": ["fork", 1]}))) == control


def test_its_fields_are_those_of_a_records_plan() -> None:
    assert Control(7, True).as_json() == {"seed": 7, "deterministic": True, "portable": False}


def test_some_parts_alone_are_those_and_no_others() -> None:
    control = Control.of(["torch", "numpy"], 7)
    assert control.seed == 7
    assert [part for part in PARTS if control.has(part)] == ["numpy", "torch"]
    assert [part for part in PARTS if Control(7, True).has(part)] == list(PARTS)
    assert not [part for part in PARTS if Control(changes=("one-thread",)).has(part)]
    with pytest.raises(UsageError, match="there is no part 'dice' of control; there are hash-seed, python"):
        Control.of(["dice"])


def test_seed_0_is_control() -> None:
    assert not Control()
    assert all(
        [Control(0), Control(deterministic=True), Control(portable=True), Control(changes=("threads",))]
    )


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ((1.5, False, False), UsageTypeError, "run: the seed must be an int, got 1.5"),
        ((-1, False, False), UsageError, r"run: the seed must be in 0 .. 2\*\*128 - 1, got -1"),
        ((1, 1, False), UsageTypeError, "run: deterministic must be True or False, got 1"),
        ((1, True, None), UsageTypeError, "run: portable must be True or False, got None"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        Control.checked(*given, "run")


def test_without_a_seed_nothing_is_seeded() -> None:
    assert Control.checked(None, True, False, "verify") == Control(None, True, False)
