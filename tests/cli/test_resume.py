"""`samebits resume`: its words, its exit codes, where its output goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samebits.launch import Control, Program
from samebits.trials.resume import run as below
from samebits.trials.resume.outcome import Resumed, Trial

from .conftest import Answer

pytestmark = pytest.mark.usefixtures("folder")
Run = Callable[..., Answer]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the function below is asked for; `word` is what it answers."""
    seen: dict[str, Any] = {"word": "complete"}

    def answer(what: below.Asked, **options: Any) -> Resumed:
        seen["asked"] = what
        return Resumed(seen["word"], 9, 1.0, (Trial(seen["word"], what.kill, 4),), asked=what.trials)

    monkeypatch.setattr(below, "resume", answer)
    return seen


def test_defaults(samebits: Run, asked: dict[str, Any]) -> None:
    assert samebits("resume", "train.py").code == 0
    assert asked["asked"] == below.Asked(Program("script", ("train.py",)))


def test_every_option(samebits: Run, asked: dict[str, Any]) -> None:
    words = ["--resume-with", "--ckpt 'my last.pt'", "--trials", "5", "--kill", "end", "--at", "12"]
    words += ["--steps", "40", "--seed", "3", "--out", "kept", "--timeout", "9"]
    assert samebits("resume", *words, "train.py", "--lr", "1").code == 0
    assert asked["asked"] == below.Asked(
        Program("script", ("train.py", "--lr", "1")),
        ("--ckpt", "my last.pt"),
        5,
        "end",
        12,
        40,
        control=Control(3, False),
        out=Path("kept"),
        timeout=9.0,
    )


@pytest.mark.parametrize(("word", "code"), [("complete", 0), ("loses", 1), ("incomplete", 2), ("failed", 2)])
def test_the_exit_code_is_the_verdicts(samebits: Run, asked: dict[str, Any], word: str, code: int) -> None:
    asked["word"] = word
    answer = samebits("resume", "--json", "-", "train.py")
    assert answer.code == code
    assert json.loads(answer.out)["verdict"] == word


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--kill", "hup"], "'hup' is not one of"),
        (["--trials", "0"], "0 is not in the range"),
        (["--resume-with", "'open"], "is no list of words"),
    ],
)
def test_what_is_refused(samebits: Run, asked: dict[str, Any], words: list[str], said: str) -> None:
    answer = samebits("resume", *words, "train.py")
    assert answer.code == 2
    assert said in answer.err
    assert "asked" not in asked
