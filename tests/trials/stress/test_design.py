"""What a set of trials is, kept in its folder; which changes there are; what they cost."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from samebits.control.changes import CHANGES
from samebits.errors import RecordError, UsageError
from samebits.trials.stress import pool, trial
from samebits.trials.stress import run as trials
from samebits.trials.stress.design import Design

from .conftest import row

Make = Callable[..., Design]


def test_it_is_read_as_it_was_written(design: Make) -> None:
    made = design(baseline=("a", "b"), seconds=2.5, count=7, steps=7, timeout=3.0)
    made.write()
    assert Design.read(made.folder) == made
    assert made.run(1) == made.out / "b"


def test_what_is_none(tmp_path: Path, design: Make) -> None:
    with pytest.raises(RecordError, match="holds no trials"):
        Design.read(tmp_path)
    (tmp_path / "design.json").write_text("{}")
    with pytest.raises(RecordError, match="is damaged"):
        Design.read(tmp_path)
    (tmp_path / "design.json").write_text('{"format": "samebits.trials", "version": 9}')
    with pytest.raises(RecordError, match="another version"):
        Design.read(tmp_path)


def test_rows_that_are_there(design: Make) -> None:
    made = design("threads", "seed", baseline=("a", "b"), count=4)
    made.keep(row("threads"))
    assert made.rows() == {"threads": row("threads")}
    matrix = trials.collected(made, interrupted=True)
    assert [each.word for each in matrix.rows] == ["ok", "missing"]
    gone = "random streams that repeat are not told, for the first run's record is not there"
    assert matrix.reason == f"1 of 2 trials interrupted; {gone}"
    assert trials.collected(design()).rows == ()


def test_every_change_has_a_place_in_the_matrix() -> None:
    assert set(trials.ALL) == {name for name, change in CHANGES.items() if not change.mends}
    assert set(trials.QUICK) <= set(trials.ALL)
    assert all(change.why for name, change in CHANGES.items() if name in trials.ALL)


def test_which_are_made() -> None:
    assert trials.chosen() == trials.ALL
    assert trials.chosen(["seed", "threads"]) == ("threads", "seed")
    assert "locale" not in trials.chosen(None, ["locale"])
    assert set(trials.chosen(quick=True)) == set(trials.QUICK)
    with pytest.raises(UsageError, match="there is no change 'thread'; there are hash-seed"):
        trials.chosen(["thread"])
    with pytest.raises(UsageError, match="no change is left"):
        trials.chosen(["seed"], ["seed"])


def test_what_they_cost(design: Make) -> None:
    made = design(*trials.ALL, seconds=40.0)
    assert trials.cost(made, 2) == "18 runs of about 40 s, some 6 min at -j 2; --quick: 6"
    assert trials.cost(design("seed", seconds=0.4), 4) == "1 run of about 1 s, some 1 s at -j 4"


@pytest.mark.parametrize("on", ["there", "slurm:x", "ray"])
def test_where_trials_do_not_run(on: str) -> None:
    with pytest.raises(UsageError, match="joblib:BACKEND or slurm"):
        pool.checked_place(on)
    assert pool.checked_place("joblib:dask") == ("joblib", "dask")


def test_a_slurm_array(design: Make, tmp_path: Path) -> None:
    """With an `sbatch` that notes its words: the array waits for the pair, and gets the person's options."""
    made = design("threads", "seed", "locale")
    script, words = pool.write_slurm(made)
    sbatch = tmp_path / "sbatch"
    sbatch.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/said\necho "17;cluster"\n')
    sbatch.chmod(0o755)
    subprocess.run(["sh", script, "-p", "gpu"], check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    first, second = (tmp_path / "said").read_text().splitlines()
    assert first == f"--parsable -p gpu {made.folder}/baseline.sh"
    assert second == f"--dependency=afterok:17 -p gpu {made.folder}/changes.sh"
    array = (made.folder / "changes.sh").read_text()
    assert "#SBATCH --array=0-2\n" in array
    assert array.rstrip().endswith(f'{made.folder} "$SLURM_ARRAY_TASK_ID"')
    assert "task.py" in array.splitlines()[-1]
    assert words == ["samebits", "stress", "--collect", str(made.folder)]


def test_a_trial_that_leaves_no_row(design: Make) -> None:
    made = design()
    (made.folder / "seed.log").write_text("line\nsamebits: it could not be\n\n")
    assert pool.failed(made, "seed").sentence == "samebits: it could not be"
    assert json.loads(json.dumps(pool.failed(made, "threads").as_json()))["word"] == "failed"


def test_trials_elsewhere_have_places_of_their_own(design: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    slots: list[int] = []

    def once(design: Design, change: Any, baseline: Any, slot: int, *args: Any, **more: Any) -> Any:
        slots.append(slot)
        return row(change.name), False

    monkeypatch.setattr(trial, "_once", once)
    monkeypatch.setattr(trial.Run, "open", lambda path: nullcontext())
    made = design("threads", "seed", "locale", baseline=("a", "b"))
    for name in made.names:
        trial.run(made, name)
    trial.run(made, "seed", 7)
    assert slots == [1, 2, 3, 7]  # the pair's is 0
