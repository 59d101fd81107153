"""`samebits compare`: finding the two runs, and the exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from samebits.errors import RecordError

from ..compare.written import kept
from .conftest import Answer, Below, Verdict

pytestmark = pytest.mark.usefixtures("folder")

Run = Callable[..., Answer]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch, below: Below) -> list[tuple[object, ...]]:
    """What was compared; runs named "gone" are not there."""
    seen: list[tuple[object, ...]] = []

    def find_run(out: Path, text: str) -> Path:
        if text == "gone":
            raise RecordError("there is no run 'gone' in .samebits; `samebits runs` lists them")
        return out / text

    def compare_all(runs: list[object]) -> Verdict:
        seen.append(tuple(runs))
        return below.verdict

    class FakeRun:
        open = staticmethod(lambda path: path)

    run_module, compare_module = ModuleType("samebits.record.run"), ModuleType("samebits.compare")
    vars(run_module).update(Run=FakeRun, find_run=find_run)
    closeup = SimpleNamespace(of=lambda *_: None)
    vars(compare_module).update(compare_all=compare_all, closeup=closeup)
    monkeypatch.setitem(sys.modules, "samebits.record.run", run_module)
    monkeypatch.setitem(sys.modules, "samebits.compare", compare_module)
    return seen


@pytest.mark.parametrize(("verdict", "code"), [("same", 0), ("diverged", 1), ("failed", 2)])
def test_exit_codes(samebits: Run, below: Below, compared: list[object], verdict: str, code: int) -> None:
    below.verdict = Verdict(verdict, code)
    answer = samebits("compare", "a1", "b 2", "--out", "kept")
    assert (answer.code, answer.out) == (code, f"verdict: {verdict}\n")
    assert compared == [(Path("kept/a1"), Path("kept/b 2"))]


def test_json(samebits: Run, compared: list[object]) -> None:
    assert json.loads(samebits("compare", "a", "b", "--json", "-").out)["verdict"] == "same"


def test_a_run_that_is_gone(samebits: Run, compared: list[object]) -> None:
    answer = samebits("compare", "a", "gone")
    assert answer.code == 2
    assert answer.err == "samebits: there is no run 'gone' in .samebits; `samebits runs` lists them\n"


def test_several(samebits: Run, compared: list[object]) -> None:
    assert samebits("compare", "a", "b", "c", "d").code == 0
    assert compared == [tuple(Path(".samebits", name) for name in "abcd")]


@pytest.mark.parametrize("words", [[], ["a"], ["a", "b", "--frob"], ["a", "b", "--at", "every"]])
def test_bad_usage(samebits: Run, compared: list[object], words: list[str]) -> None:
    answer = samebits("compare", *words)
    assert answer.code == 2
    assert answer.err.startswith("samebits compare: ")
    assert answer.err.count("\n") == 1


def logged(name: str, *values: float, **more: float) -> None:
    """A log of one loss a step, and of metrics that are the same at each."""
    rows = [{"step": step, "loss": value} | more for step, value in enumerate(values)]
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["same.jsonl"], 0, "SAME  every value agrees: 1 metric of 2 logs (JSON lines), 3 values"),
        (["near.jsonl"], 1, "DIVERGED  loss differs first, at step 1"),
        (["near.jsonl", "--within", "1%"], 0, "WITHIN  every metric lies within 1 % at the last step"),
        (["bump.jsonl", "--within", "1%"], 0, "WITHIN  every metric lies within 1 % at the last step"),
        (["bump.jsonl", "--within", "1%", "--at", "every"], 1,
         "DIVERGED  1 of 1 metrics not within 1 % at every step"),
        (["short.jsonl"], 2, "INCOMPLETE  loss: the first run alone logged 1 more value"),
        (["same.jsonl", "near.jsonl", "bump.jsonl", "--within", "9sd"], 0,
         "WITHIN  every metric lies within 9 sd of the further runs' last values"),
        (["near.jsonl", "--metric", "lo*"], 1, "DIVERGED  loss differs first, at step 1"),
    ],
)  # fmt: skip
def test_logs(samebits: Run, words: list[str], code: int, line: str) -> None:
    logged("a.jsonl", 1.0, 0.5, 0.25)
    logged("same.jsonl", 1.0, 0.5, 0.25)
    logged("near.jsonl", 1.0, 0.5001, 0.2501)
    logged("bump.jsonl", 1.0, 0.75, 0.2501)
    logged("short.jsonl", 1.0, 0.5)
    answer = samebits("compare", "a.jsonl", *words)
    assert (answer.code, answer.out.splitlines()[0], answer.err) == (code, line, "")
    assert samebits("compare", "a.jsonl", *words, "-q").out == line + "\n"
    document = json.loads(samebits("compare", "a.jsonl", *words, "--json", "-").out)
    assert document["verdict"] == line.partition(" ")[0].lower()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--within", "1 percent"], "is no tolerance"),
        (["--within", "2sd"], "needs a set of at least 3 runs"),
        (["--metric", "nothing"], "no metric is named 'nothing'; there are: loss"),
        (["--at", "never"], "--at"),
    ],
)
def test_bad_usage_of_logs(samebits: Run, words: list[str], why: str) -> None:
    logged("a.jsonl", 1.0)
    logged("b.jsonl", 1.0)
    answer = samebits("compare", "a.jsonl", "b.jsonl", *words)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert why in answer.err


def test_curves_are_drawn_where_that_is_asked_for(samebits: Run) -> None:
    """In a pipe they are not, unless asked; runs without anything in common have none."""
    logged("a.jsonl", 1.0, 0.5)
    logged("b.jsonl", 1.0, 0.25)
    assert "┤" not in samebits("compare", "a.jsonl", "b.jsonl").out
    answer = samebits("compare", "a.jsonl", "b.jsonl", "--plot")
    assert answer.code == 1
    assert "  loss  A  B\n" in answer.out
    assert "|A - B|" in answer.out
    Path("c.jsonl").write_text('{"step": 0, "other": 1}\n')
    assert samebits("compare", "a.jsonl", "c.jsonl", "--plot").code == 2


def test_hostile_metrics_are_shown_as_escapes(samebits: Run) -> None:
    name = "\x1b[2J\u202e"
    for file, value in (("a.jsonl", 1.0), ("b.jsonl", 2.0)):
        Path(file).write_text(json.dumps({"step": 0, name: value}) + "\n")
    for words in (["--plot"], ["--metric", "nothing"]):
        answer = samebits("compare", "a.jsonl", "b.jsonl", *words)
        assert all(one == "\n" or one.isprintable() for one in answer.out + answer.err)
        assert r"\x1b[2J\u202e" in answer.out + answer.err


def test_records_by_their_losses(samebits: Run) -> None:
    """With a tolerance, records are compared as logs are; without, by every fingerprint."""
    for name, last in (("a1", 0.5), ("b2", 0.5005)):
        kept(Path(".samebits", name), [[("loss", "loss", int(last * 1e6))]], losses=[last])
    assert samebits("compare", "a1", "b2").out.startswith("DIVERGED  first at step 0")
    answer = samebits("compare", "a1", "b2", "--within", "1%", "--metric", "loss")
    assert (answer.code, answer.out.splitlines()[0]) == (
        0, "WITHIN  every metric lies within 1 % at the last step",
    )  # fmt: skip


def test_what_is_there_goes_before_the_beginning_of_an_id(samebits: Run) -> None:
    """A log that is called as a kept run's id begins is the log; a whole id is the run."""
    kept(Path(".samebits/2025-1"), [[("loss", "loss", 1)]], losses=[1.0])
    logged("2025", 9.0)
    logged("b.jsonl", 9.0)
    kinds = json.loads(samebits("compare", "2025", "b.jsonl", "--json", "-").out)["logs"]
    assert [one["kind"] for one in kinds] == ["JSON lines", "JSON lines"]
    kinds = json.loads(samebits("compare", "2025-1", "b.jsonl", "--json", "-").out)["logs"]
    assert [one["kind"] for one in kinds] == ["record", "JSON lines"]
