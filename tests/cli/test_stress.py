"""`samebits stress`: its words, and what is refused before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samebits.compare import Verdict
from samebits.launch import Control, Program
from samebits.trials.stress import run as trials
from samebits.trials.stress.design import Design
from samebits.trials.stress.matrix import Matrix

from .conftest import Answer

Run = Callable[..., Answer]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[Any]:
    """What the room below was asked for."""
    calls: list[Any] = []

    def stress(design: Design, **options: Any) -> tuple[Matrix, Verdict]:
        calls.append((design, options))
        return Matrix((), 0, 0.0, (), "nothing was run", str(design.folder)), Verdict("same", ("a", "b"))

    monkeypatch.setattr(trials, "stress", stress)
    return calls


def test_its_words(samebits: Run, asked: list[Any]) -> None:
    words = "-j 3 --only seed,threads --steps 7 --seed 1 --deterministic --timeout 9 --json - train.py -j 1"
    answer = samebits("stress", *words.split())
    assert answer.code == 2
    assert '"format": "samebits.stress"' in answer.out
    ((design, options),) = asked
    assert design.program == Program("script", ("train.py", "-j", "1"))
    assert (design.names, design.steps, design.timeout) == (("threads", "seed"), 7, 9.0)
    assert design.control == Control(1, True)
    assert (options["jobs"], options["on"]) == (3, "here")
    assert Design.read(design.folder) == design


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--only", "thread", "train.py"], "there is no change 'thread'; there are hash-seed, "),
        (["--only", ",", "train.py"], "give the names of changes"),
        (["--on", "moon", "train.py"], "trials run on here, joblib, joblib:BACKEND or slurm"),
        (["-j", "0", "train.py"], "0 is not in the range x>=1"),
        ([], "what is to be run?"),
        (["--collect", "."], "holds no trials"),
    ],
)
def test_what_is_refused(samebits: Run, asked: list[Any], words: list[str], sentence: str) -> None:
    answer = samebits("stress", *words)
    assert answer.code == 2
    assert sentence in answer.err
    assert asked == []


def test_a_slurm_array_is_written_and_not_submitted(samebits: Run, asked: list[Any]) -> None:
    answer = samebits("stress", "--on", "slurm", "--only", "seed", "train.py")
    assert answer.code == 0
    assert answer.out.startswith("samebits stress --collect ")
    assert Path(answer.out.split()[-1], "submit.sh").is_file()
    assert asked == []
