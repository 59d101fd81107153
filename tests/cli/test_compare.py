"""`samebits compare`: finding the two runs, and the exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from samebits.errors import RecordError

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
