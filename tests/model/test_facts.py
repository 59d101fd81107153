"""Facts are written, read and documented from one class a kind."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from samebits.model import facts
from tools import fact_page

#: A row of each kind as the first records have it: what a null or an absent field was then, it is now.
ROWS: dict[str, dict[str, Any]] = {
    "seed": {"generator": "torch", "call": "torch.manual_seed", "value": 3, "drawn": "3"},
    "create": {"generator": "python.Random", "call": "random.Random", "seeded": False, "value": None},
    "draw": {"generator": "python", "call": "random.random", "value": 2**64 - 1, "n": 1, "seeded": True},
    "takes-seed": {"by": "kit.Stream.shuffle", "parameter": "seed", "place": 2},
    "torch-draw": {
        "generator": "torch",
        "call": "aten::rand",
        "module": "net.drop",
        "state": 2**64 - 1,
        "n": 3,
    },
    "loader-pass": {"loader": 1, "n": 2, "first": "Process-1"},
    "loader-worker": {"number": 0, "n": 2, "iterable": False},
    "loader-trained": {"loader": 1},
    "optimizer": {"call": "SGD"},
    "clock": {"call": "time.time", "value": 1.5},
    "entropy": {"call": "os.getpid", "value": 7},
    "hash": {"call": "hash", "of": "str", "value": -5},
    "iteration": {"what": "for", "by": "hash", "order": 1, "content": 2, "n": 3},
    "sort": {"call": "sorted", "by": "address", "order": 1},
    "listing": {"call": "os.listdir", "path": "data", "order": 1, "content": 2, "n": 3},
    "completion": {"call": "wait", "order": None},
    "thread": {"call": "Thread.start", "n": 1},
    "file": {"path": "d.csv", "size": 9, "digest": 2**64 - 1, "mode": "r"},
    "write": {"path": "d.csv", "mode": "w"},
    "probe": {"call": "os.path.exists", "path": "d.csv", "value": False},
    "load": {"call": "torch.load", "path": "m.pt", "keys": ["model", "step"]},
    "save": {"call": "torch.save", "path": None},
    "census": {"named": ["0 counter step"], "states": ["0 =3"], "gone": ["1"], "ms": 1.5},
    "checkpoint": {
        "action": "save",
        "call": "torch.save",
        "path": "last.pt",
        "digest": "0f",
        "size": 9,
        "keys": ["model", "step=3"],
        "holds": ["optimizer opt=opt.state"],
        "by": None,
    },
    "rng-restore": {"call": "torch.set_rng_state"},
    "threads": {"call": "torch.set_num_threads", "value": 2},
    "flag": {"call": "torch.backends.cudnn.benchmark", "value": True},
    "variable": {"name": "HOME", "set": True},
    "empty": {"call": "numpy.empty"},
}


def test_a_row_of_every_kind() -> None:
    assert ROWS.keys() == facts.KINDS.keys()


@pytest.mark.parametrize("kind", ROWS)
def test_what_a_record_says_is_read_and_written_again(kind: str) -> None:
    detail = facts.made(kind, ROWS[kind])
    assert type(detail) is facts.KINDS[kind]
    assert detail.kind == kind
    assert json.loads(json.dumps(detail.as_json())) == {k: v for k, v in ROWS[kind].items() if v is not None}
    assert all(getattr(detail, name) == value for name, value in ROWS[kind].items())


@pytest.mark.parametrize("kind", ROWS)
def test_the_fields_are_written_in_the_order_of_the_first_records(kind: str) -> None:
    row = ROWS[kind] | {"count": 2}
    there = {name: value for name, value in row.items() if value is not None}
    assert json.dumps(facts.made(kind, row).as_json()) == json.dumps(there)


@pytest.mark.parametrize("kind", facts.KINDS)
def test_a_row_that_only_counts(kind: str) -> None:
    detail = facts.made(kind, {"count": 5})
    assert detail.as_json() == {"count": 5}


def test_a_newer_kind_is_kept_and_a_newer_field_is_passed_over() -> None:
    newer = facts.made("telepathy", {"value": [1], "kind": "seed"})
    assert newer == facts.Unknown(name="telepathy", values={"value": [1], "kind": "seed"})
    assert (newer.kind, newer.as_json()) == ("telepathy", {"value": [1], "kind": "seed"})
    assert facts.made("seed", {"value": 1, "mood": "good"}) == facts.Seed(value=1)


def test_a_fact_holds_nothing_that_changes() -> None:
    fact = facts.Fact(facts.Clock(call="time.time", value=1.0), None, 0, 0)
    assert fact.kind == "clock"
    with pytest.raises(dataclasses.FrozenInstanceError):
        fact.detail.value = 2.0  # type: ignore[misc]


def test_the_page_is_what_the_classes_say() -> None:
    assert fact_page.PAGE.read_text("utf-8") == fact_page.page(), "run python -m tools.fact_page"
    assert all(f"| `{kind}` |" in fact_page.page() for kind in facts.KINDS)
