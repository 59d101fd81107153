"""`samebits record`: one run, kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from samebits.launch import Control, Program

from .conftest import Answer, Below, recorded
from .test_runs import keep

pytestmark = pytest.mark.usefixtures("folder")

Run = Callable[..., Answer]


def test_defaults(samebits: Run, below: Below) -> None:
    answer = samebits("record", "train.py", "--level", "x")
    assert (answer.code, answer.out) == (0, "r1  finished  .samebits/r1\n")
    assert below.program == Program("script", ("train.py", "--level", "x"))
    assert below.options == {
        "level": "op",
        "steps": None,
        "control": Control(None, False),
        "out": Path(".samebits"),
        "timeout": None,
    }


def test_options(samebits: Run, below: Below) -> None:
    words = "record --level step --steps 2 --seed 5 --deterministic --out kept --timeout 9 -- sh train.py"
    assert samebits(*words.split()).code == 0
    assert below.program == Program("command", ("sh", "train.py"))
    assert below.options["level"] == "step"
    assert below.options["control"] == Control(5, True)


def test_stopped_by_steps_is_a_good_end(samebits: Run, below: Below) -> None:
    below.run = recorded("stopped", None)
    assert samebits("record", "train.py").code == 0


@pytest.mark.parametrize("status", ["failed", "timeout", "interrupted", "running"])
def test_a_program_that_failed(samebits: Run, below: Below, status: str) -> None:
    below.run = recorded(status, 3)
    answer = samebits("record", "train.py")
    assert answer.code == 2
    assert answer.err == f"samebits record: the program did not finish: {status}, exit code 3\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--level", "auto", "train.py"], "'auto' is not one of 'step', 'op'"),
        (["--runs", "2", "train.py"], "No such option '--runs'"),
        ([], "what is to be run?"),
    ],
)
def test_bad_usage(samebits: Run, below: Below, words: list[str], sentence: str) -> None:
    answer = samebits("record", *words)
    assert answer.code == 2
    assert sentence in answer.err
    assert answer.err.count("\n") == 1


def test_how_much_is_said(samebits: Run, below: Below) -> None:
    assert samebits("record", "-q", "train.py").out == "r1\n"
    keep(Path(".samebits"), "r1")
    answer = samebits("record", "-v", "train.py")
    assert answer.out.startswith("r1  finished  .samebits/r1\nrun       r1\n")
    answer = samebits("record", "--json", "-", "train.py")
    assert json.loads(answer.out)["format"] == "samebits.show"
    assert "r1  finished" in answer.err


def test_the_terminal_is_the_programs(samebits: Run, below: Below, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    samebits("record", "train.py")
    assert "progress" not in below.options


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            {"unattached": [{"command": ["python", "-I"], "why": "-I ignores PYTHONPATH"}]},
            "-I ignores PYTHONPATH",
        ),
        ({"records": [{"file": "main.db", "bytes": 1, "log": 0}]}, "has lost the record main.db"),
    ],
)
def test_an_incomplete_record_is_no_success(
    samebits: Run, below: Below, more: dict[str, object], words: str
) -> None:
    below.run = recorded("finished", 0, **more)
    answer = samebits("record", "train.py")
    assert answer.code == 2
    assert answer.err.startswith("samebits record: the record is incomplete: run r1 ")
    assert words in answer.err
    assert answer.err.count("\n") == 1
