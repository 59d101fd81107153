"""Trainings observed in the test's own process, and whole programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.programs import folder as folder
from tests.programs import shared as shared
from tests.programs import start as start
from tests.recording import observe as observe
from tests.recording import own_modules as own_modules

from samebits.launch import Control
from samebits.launch.program import Program
from samebits.trials.stress.design import Design
from samebits.trials.stress.matrix import Matrix
from samebits.trials.stress.row import TrialRow
from samebits.trials.stress.weights import Reach

SAME = Reach(False, None, (20, 20), (1.5, 1.5), (3.0, 3.0))
APART = Reach(True, 4, (20, 20), (1.5, 1.25), (3.0, 3.5), 1e-7, 0.2)


def row(name: str = "threads", word: str = "ok", **more: object) -> TrialRow:
    reach = None if word in ("did not apply", "failed", "missing") else SAME
    made = TrialRow(
        name, "another number of CPU threads", "rounding", word, "", (), reach, run="r2", seconds=1.5
    )  # type: ignore[arg-type]
    if reach is None:
        made = replace(made, sentence="nothing was there", run=None, seconds=None)
    return replace(made, **more)  # type: ignore[arg-type]


def matrix(*rows: TrialRow, **more: object) -> Matrix:
    return replace(Matrix(("r1", "r2"), 20, 2.5, rows, folder="/trials"), **more)  # type: ignore[arg-type]


@pytest.fixture
def design(tmp_path: Path) -> Callable[..., Design]:
    def make(*names: str, **more: object) -> Design:
        where = tmp_path / "trials"
        where.mkdir(exist_ok=True)
        program = Program("script", ("train.py", "--lr", "0.1"))
        made = Design(
            where, tmp_path / "runs", tmp_path, program, Control(3, True), names or ("threads", "seed")
        )
        return replace(made, **more)  # type: ignore[arg-type]

    return make
