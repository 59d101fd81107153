"""Which log is opened, and what is said of what is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.metrics.files import fixture

from samebits.errors import RecordError
from samebits.metrics import open_log
from samebits.metrics.readers import readers


def test_names_and_paths() -> None:
    folder = fixture("ultralytics")
    log = open_log(folder / "results.csv")
    assert (log.name, log.path) == (str(folder / "results.csv"), folder / "results.csv")
    assert open_log(folder, name="seed 1").name == "seed 1"


def test_the_specific_is_asked_before_the_general() -> None:
    kinds = [reader.KIND for reader in readers()]
    assert kinds == ["record", "transformers", "wandb", "MLflow", "TensorBoard", "JSON lines", "CSV"]


def test_what_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"cannot read .*/nowhere: .*No such file"):
        open_log(tmp_path / "nowhere")
    with pytest.raises(
        RecordError, match=r"is no log that samebits can read; give the file or folder of one run"
    ):
        open_log(tmp_path)
    (tmp_path / "model.bin").write_bytes(bytes(100))
    with pytest.raises(
        RecordError, match=r"of one of these kinds: record, transformers, wandb, MLflow, Tensor"
    ):
        open_log(tmp_path / "model.bin")
    with pytest.raises(RecordError, match=r"cannot read 'a\\x00b'"):
        open_log(Path("a\0b"))
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(RecordError, match=r"pipe\.csv is no log"):
        open_log(tmp_path / "pipe.csv")
    with pytest.raises(RecordError, match="is no log"):
        open_log(Path("/dev/zero"))


def test_many_runs_are_listed_in_part(tmp_path: Path) -> None:
    for number in range(12):
        folder = tmp_path / f"version_{number:02}"
        folder.mkdir()
        (folder / "metrics.csv").write_text("step,loss\n1,2\n")
    with pytest.raises(RecordError, match=r"holds 12 runs; give one of them: .*version_09 and 2 more$"):
        open_log(tmp_path)


def test_links(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.csv").write_text("step,loss\n1,2\n")
    (tmp_path / "latest").symlink_to(tmp_path / "run")
    (tmp_path / "circle").symlink_to(tmp_path)
    assert open_log(tmp_path).path == tmp_path / "run"
    assert list(open_log(tmp_path / "latest").series) == ["loss"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("step,loss\n1,2\n")
    (tmp_path / "log.csv").chmod(0)
    with pytest.raises(RecordError, match="Permission denied"):
        open_log(tmp_path / "log.csv")
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(RecordError, match="Permission denied"):
        open_log(tmp_path / "closed")
    (tmp_path / "closed").chmod(0o700)
