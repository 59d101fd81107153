"""The document a verdict becomes, and what it says was compared."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from samebits.compare import Verdict, compare, compare_all, failed
from samebits.model import facts
from samebits.model.facts import Fact
from samebits.model.sites import Site

Make = Callable[..., Any]
_SCHEMA = json.loads(Path("docs/reference/verdict.schema.json").read_text())


def _document(verdict: Verdict) -> dict[str, Any]:
    text = json.dumps(verdict.as_json(), allow_nan=False)
    document: dict[str, Any] = json.loads(text)
    jsonschema.validate(document, _SCHEMA)
    return document


def test_same(run: Make, training: Make) -> None:
    verdict = compare(run(training(5), "a"), run(training(5), "b"))
    document = _document(verdict)
    assert (document["verdict"], document["first"], document["causes"]) == ("same", None, [])
    assert (document["steps"], document["operations"], document["events"]) == (5, 35, 60)
    assert document["compared"] == (
        "5 steps, 35 operations, 5 losses, 5 gradients, 5 parameter values, 5 batches, 5 values read by the "
        "program."
    )
    assert verdict.exit_status == 0


def test_diverged_with_its_difference_and_cause(run: Make, training: Make, value: Make) -> None:
    events = training(3)
    events[3] = replace(
        events[3], name="aten::_index_put_impl_", phase="backward", inputs=5, module="encoder.embed"
    )
    other = [replace(e, digest=e.digest ^ (i >= 3)) for i, e in enumerate(events)]
    kept = [value("float32", (2,), struct.pack("<2f", 1.0, number)) for number in (2.0, 2.5)]
    document = _document(
        compare(
            run(events, "a", values={(0, 3, 0): kept[0]}, sources={"train.py": "x\n" * 20}),
            run(other, "b", values={(0, 3, 0): kept[1]}),
        )
    )
    assert document["verdict"] == "diverged"
    assert document["first"] == {
        "rank": 0,
        "process": "main",
        "thread": 0,
        "step": 0,
        "phase": "backward",
        "op": "aten::index_put",
        "change": "value",
        "module": "encoder.embed",
        "module_class": None,
        "node": None,
        "file": "train.py",
        "line": 11,
        "function": "<module>",
        "difference": {"differing": 1, "elements": 2, "max_abs": 0.5, "max_ulp": 1 << 21},
    }
    assert document["causes"][0]["name"] == "nondeterministic-kernel"
    assert document["causes"][0]["confidence"] == 0.97
    assert document["causes"][0]["line"] == 11


def test_a_loss_has_its_size_from_its_bits(run: Make, training: Make, loss: Make) -> None:
    events = [e for e in training(2) if e.kind != "op"]
    at = next(i for i, e in enumerate(events) if e.kind == "loss")
    other = [replace(e, digest=e.digest ^ (i >= at)) for i, e in enumerate(events)]
    one, two = (loss(at, number, struct.pack("<f", number).hex()) for number in (1.0, 1.25))
    verdict = compare(run(events, "a", losses=[one]), run(other, "b", losses=[two]))
    assert verdict.first is not None
    assert verdict.first.op == "loss"
    assert verdict.first.difference is not None
    assert verdict.first.difference.max_abs == 0.25
    assert "Observed per step" in verdict.compared


def test_failures(run: Make, training: Make) -> None:
    good, bad = run(training(2), "a"), run(training(2), "b")
    bad.info = {"status": "failed", "exit_code": 3}
    document = _document(compare(bad, bad))
    assert (document["verdict"], document["exit_code"]) == ("failed", 3)
    assert document["reason"] == "run b failed with exit code 3"
    assert compare(good, bad).verdict == "failed"
    other = run(training(4), "c")
    verdict = compare(other, bad)
    assert verdict.verdict == "diverged"
    assert "run b failed with exit code 3" in verdict.notes
    assert _document(failed(("a",), "no such file: train.py"))["reason"] == "no such file: train.py"


def test_nothing_observed(run_of: Make) -> None:
    verdict = compare(run_of("a"), run_of("b"))
    document = _document(verdict)
    assert (document["verdict"], verdict.exit_status) == ("incomplete", 2)
    assert document["reason"] == (
        "nothing could be compared: no process of the program used torch in both runs"
    )


def test_several_runs(run: Make, training: Make) -> None:
    runs = [run(training(2), name) for name in "abc"]
    assert compare_all(runs).runs == ("a", "b", "c")
    assert compare_all(runs).verdict == "same"
    runs.append(run(training(3), "d"))
    assert compare_all(runs).verdict == "diverged"
    with pytest.raises(ValueError, match="at least two runs, and 1"):
        compare_all(runs[:1])


def test_left_out_and_incomplete_are_said(run: Make, training: Make) -> None:
    a = run(training(2), "a", notes={"left_out": ["CUDA graphs"], "incomplete": "disk full"})
    verdict = compare(a, run(training(2), "b"))
    assert "Left out: CUDA graphs." in verdict.compared
    assert verdict.verdict == "incomplete"
    assert verdict.reason == "agrees up to step 2; in run a, main was recorded up to step 2 only: disk full"


def test_hostile_facts_break_nothing(run: Make, training: Make) -> None:
    kinds = (
        "seed",
        "create",
        "draw",
        "clock",
        "entropy",
        "hash",
        "iteration",
        "sort",
        "listing",
        "completion",
    )
    kinds += ("thread", "file", "write", "probe", "load", "save", "threads", "flag", "variable", "empty")
    hostile: list[Any] = [None, [], {}, "\x1b[2J", -1, 1e308, True]
    rows = [
        Fact(
            facts.made(kind, dict.fromkeys(("value", "call", "order", "generator", "n"), bad)),
            Site("train.py", -5),
            0,
            0,
        )
        for kind in kinds
        for bad in hostile
    ]
    events = training(2)
    other = [replace(e, digest=e.digest ^ (i >= 2)) for i, e in enumerate(events)]
    a = run(events, "a", facts=rows, sources={"train.py": "\0 not python ("})
    b = run(other, "b", facts=rows[::-1], manifest={"x": 1})
    _document(compare(a, b))


def test_needs_neither_torch_nor_numpy() -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['numpy'] = None; import samebits.compare, "
        "samebits.causes, samebits.report"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
