"""`samebits.resume` as a function: plain words in, refused with one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import samebits
from samebits.errors import UsageError
from samebits.launch import Program
from samebits.trials import functions
from samebits.trials.resume.run import Asked


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    (tmp_path / "train.py").write_text("")
    monkeypatch.chdir(tmp_path)
    calls: list[Asked] = []
    monkeypatch.setattr(functions, "resume_program", lambda what, **_: calls.append(what))
    return calls


def test_words(asked: list[Asked]) -> None:
    samebits.resume("train.py", ["--epochs", 2], resume_with=["--ckpt", Path("last.pt")], trials=7, at=3)
    assert asked == [
        Asked(Program("script", ("train.py", "--epochs", "2")), ("--ckpt", "last.pt"), 7, "term", 3)
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kill": "hup"}, "resume: kill must be one of 'term', 'kill', 'end', 'save', got 'hup'"),
        ({"trials": 0}, "resume: trials must be at least 1, got 0"),
        ({"at": 0}, "resume: at must be at least 1, got 0"),
        ({"at": 5, "steps": 5}, "the whole run ends after 5 steps, so it cannot be interrupted after 5"),
    ],
)
def test_what_is_refused(asked: list[Asked], given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        samebits.resume("train.py", **given)
    assert asked == []


def test_words_of_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train.py").write_text("")
    monkeypatch.chdir(tmp_path)
    calls: list[Any] = []
    monkeypatch.setattr(functions, "cure_program", lambda *what, **how: calls.append((*what, how)))
    samebits.cure("train.py", ["--epochs", 2], runs=3, most_runs=9)
    program, how = calls[0]
    assert program == Program("script", ("train.py", "--epochs", "2"))
    assert (how["runs"], how["most_runs"], how["steps"]) == (3, 9, None)
    for wrong, said in (({"runs": 1}, "runs must be at least 2"), ({"most_runs": 3}, "must be at least 4")):
        with pytest.raises(UsageError, match=f"cure: .*{said}"):
            samebits.cure("train.py", **wrong)
