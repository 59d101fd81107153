"""A run in MLflow's file store."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.metrics.files import LOSS, ODD, fixture, numbers, same

from samebits.errors import RecordError
from samebits.metrics import open_log

STEPS = [0, 1, 2, 3, 4]


def test_a_run() -> None:
    log = open_log(fixture("mlflow"))
    assert (log.kind, log.timing, log.problems) == ("MLflow", ("epoch_time",), ())
    assert list(log.series) == ["odd", "train/loss"]
    assert same(log.series["train/loss"], STEPS, LOSS, "float64")
    assert same(log.series["odd"], STEPS, ODD, "float32")


def test_an_experiment_of_several_runs(tmp_path: Path) -> None:
    run = next(fixture("mlflow").glob("*/*/meta.yaml")).parent
    for name in ("one", "two"):
        shutil.copytree(run, tmp_path / name)
    with pytest.raises(RecordError, match=r"holds 2 runs; give one of them: .*/one, .*/two$"):
        open_log(tmp_path)


def run_of(folder: Path, **metrics: str) -> Path:
    (folder / "metrics").mkdir()
    (folder / "meta.yaml").write_text("run_id: a\n")
    for name, text in metrics.items():
        (folder / "metrics" / name).write_text(text)
    return folder


def test_lines(tmp_path: Path) -> None:
    text = "1 0.5 3\n1 nan 2\n\n1 x 0\n1\n1 0.25 -4\n1 1 99999999999999999999\n1 2 1"
    log = open_log(run_of(tmp_path, loss=text, old="1700000000 0.5\n1700000001 0.25\n", empty=""))
    assert log.series["loss"].steps.tolist() == [3, 2, -4]
    assert numbers(log)["old"] == [(0, 0.5), (1, 0.25)]
    assert log.problems == (
        "metrics/loss: cut off in line 8; the lines before it are shown",
        'metrics/loss: lines that are no "timestamp value step" are left out: 3, the first is line 4',
    )


def test_what_cannot_be_read(tmp_path: Path) -> None:
    run = run_of(tmp_path, loss="1 0.5 3\n")
    os.mkfifo(run / "metrics" / "pipe")
    os.symlink(run / "nowhere", run / "metrics" / "link")
    Path(os.fsdecode(os.fsencode(run / "metrics") + b"/\xff")).write_text("1 2 3\n")
    log = open_log(run)
    assert numbers(log) == {"loss": [(3, 0.5)], "\\xff": [(3, 2.0)]}
    link, pipe = log.problems
    assert link == "metrics/link: cannot be read: No such file or directory"
    assert pipe.startswith("metrics/pipe: cannot be read: ")
    assert pipe.endswith("/pipe is no regular file")
