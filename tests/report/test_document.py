"""The document of a report: what it says of a verdict, and that it is strict JSON whatever stands in it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from samebits.compare.verdict import Place, Verdict
from samebits.metrics import MetricLog, compare_metrics
from samebits.model.divergence import Difference, Divergence, EnvironmentDifference
from samebits.model.events import Event
from samebits.model.finding import Finding
from samebits.model.sites import Site
from samebits.report.document import Shown, document
from samebits.report.html import page

from ..metrics.made import log, series

SOURCE = "".join(f"line {number}\n" for number in range(1, 31))
GAP = Difference(1, 2, 0.5, 7)
PLACE = Place(0, "main", 0, 2, "forward", "aten::mm", "value", "net", None, "train.py", 12, "f", GAP)


def diverged(place: Place = PLACE, inputs: tuple[int | None, int | None] = (5, 5), **more: Any) -> Verdict:
    event = Event(3, "op", "aten::mm", "forward", 2, 0, 1, site=Site("train.py", 12), module="net")
    a, b = replace(event, inputs=inputs[0]), replace(event, digest=2, inputs=inputs[1])
    made = Verdict(
        "diverged", ("a", "b"), first=place, pair=("a", "b"), compared="3 steps.",
        sources={"train.py": SOURCE}, divergence=Divergence("value", 0, "main", 2, a, b),
        causes=(Finding(0.5, Site("train.py", 2), "why", "fix", "cause"), Finding(0.1, None, "w", "f", "c")),
    )  # fmt: skip
    return replace(made, **more)


def shown(verdict: Any, *logs: MetricLog) -> dict[str, Any]:
    found = document([Shown(one) for one in logs or (log("a", loss=[1.0]), log("b", loss=[2.0]))], verdict)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert page(found)
    return found


def test_the_place_with_its_lines() -> None:
    first = shown(diverged())["first"]
    assert {key: first[key] for key in ("step", "op", "file", "line", "differs", "inputs")} == {
        "step": 2, "op": "aten::mm", "file": "train.py", "line": 12, "inputs": "agree",
        "differs": "1 of 2 elements, by at most 0.5 and 7 ULP",
    }  # fmt: skip
    assert first["source"] == {
        "file": "train.py", "start": 7, "line": 12, "text": "\n".join(f"line {n}" for n in range(7, 18)),
    }  # fmt: skip
    assert first["source"]["text"].split("\n")[12 - 7] == "line 12"


@pytest.mark.parametrize(
    ("line", "start", "last"), [(1, 1, "line 6"), (2, 1, "line 7"), (30, 25, ""), (31, 26, "")]
)
def test_lines_at_the_ends_of_a_file(line: int, start: int, last: str) -> None:
    """The last one is the empty one after the last line break."""
    source = shown(diverged(replace(PLACE, line=line)))["first"]["source"]
    assert (source["start"], source["text"].split("\n")[-1]) == (start, last)


@pytest.mark.parametrize(
    "changes", [{"file": None}, {"line": None}, {"file": "x.py"}, {"line": 0}, {"line": 99}]
)
def test_lines_that_are_not_there(changes: dict[str, Any]) -> None:
    assert shown(diverged(replace(PLACE, **changes)))["first"]["source"] is None


@pytest.mark.parametrize(
    ("inputs", "words"), [((5, 5), "agree"), ((5, 6), "differ"), ((None, 5), "not recorded")]
)
def test_whether_the_inputs_agree(inputs: tuple[int | None, int | None], words: str) -> None:
    assert shown(diverged(inputs=inputs))["first"]["inputs"] == words


def test_operations_and_causes() -> None:
    found = shown(diverged())
    (row,) = found["operations"]
    assert row == {
        "a": {"index": 3, "step": 2, "phase": "forward", "name": "aten::mm", "file": "train.py", "line": 12,
              "module": "net", "digest": "0000000000000001", "inputs": "0000000000000005"},
        "b": row["a"] | {"digest": "0000000000000002"}, "same": False, "first": True,
    }  # fmt: skip
    assert [cause["source"] and cause["source"]["line"] for cause in found["causes"]] == [2, None]


def test_a_failed_verdict_has_its_reason() -> None:
    found = shown(Verdict("failed", ("a", "b"), reason="it failed\nand how", notes=("n",)))
    assert found["headline"] == "it failed"
    assert found["notes"] == ["n", "it failed\nand how"]


def test_numbers_that_json_has_none_for() -> None:
    rows = (EnvironmentDifference("x", math.inf, {"y": [math.nan, None]}, True),)
    found = shown(diverged(environment=rows), log("a", loss=[math.nan]), log("b", loss=[-math.inf]))
    assert found["environment"] == [{"key": "x", "a": "inf", "b": {"y": ["nan", None]}, "matters": True}]
    assert found["curves"][0]["values"] == [["nan"], ["-inf"]]


def test_the_loss_comes_first_and_the_axis_is_named() -> None:
    metrics = {"acc": series([1.0]), "loss": series([1.0], axis="epoch"), "gradient norm": series([1.0])}
    logs = [log(name, **metrics) for name in "ab"]
    found = shown(compare_metrics(logs), *logs)
    assert [one["name"] for one in found["metrics"]] == ["acc", "loss", "gradient norm"]
    assert [one["unit"] for one in found["curves"]] == ["epoch", "step", "step"]
    assert found["curves"][0]["name"] == "loss"


def test_a_document_of_very_many_metrics_stays_small() -> None:
    """Four hundred curves of ten thousand points: about as many points as the page can draw."""
    values = [float(step % 97) for step in range(10_000)]
    steps = series(values)
    logs = [log(name, **{f"m{number}": steps for number in range(400)}) for name in "ab"]
    found = shown(compare_metrics(logs), *logs)
    assert sum(len(curve["steps"]) for curve in found["curves"]) < 400 * 520
    assert all(curve["total"] == 10_000 for curve in found["curves"])
