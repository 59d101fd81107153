"""Intervals found by the names they have: where they may stand, what they become, where that is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samebits.control import changes, told
from samebits.control.changes import evaluation, logging
from samebits.control.changes._numbers import words
from samebits.usercode import loading


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "told"
    monkeypatch.setattr(told, "_said", set())
    monkeypatch.setenv(told.VARIABLE, told.TrialPlan(str(path)).to_json())
    return path


@pytest.fixture
def changed(file: Path) -> Iterator[None]:
    undo = changes.install(["evaluation"])
    yield
    undo()


def run(source: str) -> dict[str, Any]:
    space: dict[str, Any] = {}
    exec(loading.compile_user(source, "train.py"), space)
    return space


PLACES = [
    "eval_interval = 100\nfound = eval_interval",
    "EVAL_EVERY: int = 100\nfound = EVAL_EVERY",
    "class C: val_freq = 100\nfound = C.val_freq",
    "def f(eval_steps=100): return eval_steps\nfound = f()",
    "def f(*, validate_every=10 * 10): return validate_every\nfound = f()",
    "found = dict(check_val_every_n_epoch=100)['check_val_every_n_epoch']",
    "found = {'test_interval': 100}['test_interval']",
    "class C: pass\nC.eval_freq = 100\nfound = C.eval_freq",
    "import dataclasses\n@dataclasses.dataclass\nclass C:\n    eval_every: int = 100\nfound = C().eval_every",
    "import argparse\np = argparse.ArgumentParser()\np.add_argument('-e', '--eval-interval', default=100)\n"
    "found = p.parse_args([]).eval_interval",
]


@pytest.mark.parametrize("source", PLACES)
@pytest.mark.usefixtures("changed")
def test_it_is_halved_where_it_stands_and_that_is_said(source: str, file: Path) -> None:
    assert run(source)["found"] == 50
    (saying,) = told.read(file)
    assert saying.change == "evaluation"
    assert saying.what.endswith("100 -> 50")
    assert saying.place.startswith("train.py:")


@pytest.mark.parametrize(
    "source",
    [
        "max_steps = 100\nfound = max_steps",
        "eval_batch_size = 100\nfound = eval_batch_size",
        "n = 100\neval_interval = n\nfound = eval_interval",
        "eval_interval = True\nfound = 100 if eval_interval is True else 0",
        "log_interval = 100\nfound = log_interval",
        "retrieval_steps_total = 100\nfound = retrieval_steps_total",
    ],
)
@pytest.mark.usefixtures("changed")
def test_what_is_no_interval_of_evaluation_stays(source: str, file: Path) -> None:
    assert run(source)["found"] == 100
    assert told.read(file) == []


@pytest.mark.usefixtures("changed")
def test_one_is_doubled_and_zero_means_never() -> None:
    assert run("eval_every = 1")["eval_every"] == 2
    assert run("eval_every = 0")["eval_every"] == 0
    assert run("val_check_interval = 0.5")["val_check_interval"] == 0.25


def test_of_a_short_run_it_is_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(told.VARIABLE, told.TrialPlan(steps=12).to_json())
    undo = changes.install(["evaluation"])
    try:
        assert run("eval_interval = 1000")["eval_interval"] == 4
    finally:
        undo()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["train.py", "--eval-interval", "100"], ["train.py", "--eval-interval", "50"]),
        (["train.py", "--eval_interval=100", "--lr", "8"], ["train.py", "--eval_interval=50", "--lr", "8"]),
        (["train.py", "trainer.val_check_interval=0.5"], ["train.py", "trainer.val_check_interval=0.25"]),
        (["eval_steps=100", "--seed", "3"], ["eval_steps=100", "--seed", "3"]),
        (["train.py", "--eval-interval"], ["train.py", "--eval-interval"]),
        (["train.py", "eval_interval", "100"], ["train.py", "eval_interval", "100"]),
    ],
)
def test_words_of_the_command_line(given: list[str], expected: list[str]) -> None:
    assert list(words("evaluation", evaluation.MEANT, given)) == expected


@pytest.mark.parametrize(
    ("name", "is_log", "is_evaluation"),
    [
        ("log_interval", True, False),
        ("print_freq", True, False),
        ("train_log_every", True, False),
        ("log_every_n_steps", True, False),
        ("logging_steps", True, False),
        ("--val-every", False, True),
        ("evaluation_interval", False, True),
        ("EVALUATION_INTERVAL", False, True),
        ("dialog_steps_left", False, False),
        ("interval", False, False),
    ],
)
def test_which_names_are_meant(name: str, is_log: bool, is_evaluation: bool) -> None:
    assert (logging.MEANT.match(name), evaluation.MEANT.match(name)) == (is_log, is_evaluation)


def test_a_saying_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "told"
    file.write_text('{"change": "seed", "what": "a", "place": "t.py:1"}\n{"change": "se')
    assert [str(saying) for saying in told.read(file)] == ["a, t.py:1"]
