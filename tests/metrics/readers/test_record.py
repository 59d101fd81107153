"""The losses of a run that samebits recorded."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from tests.metrics.files import same

from samebits.errors import RecordError
from samebits.metrics import open_log
from samebits.record.run import inventory
from samebits.record.writer import Writer


def recorded(
    folder: Path, process: str, losses: list[tuple[int, float | None, str]], finish: bool = True
) -> Path:
    folder.mkdir(exist_ok=True)
    writer = Writer(folder / f"{process}.db", process=process, rank=0, manifest={}, plan={})
    for index, (step, value, bits) in enumerate(losses):
        writer.loss(step=step, index=index, value=value, bits=bits)
    writer.commit(steps=3)
    if finish:
        writer.finish("finished")
    else:
        writer.close()
    info = {"format": "samebits.run", "version": 1, "status": "finished", "records": inventory(folder)}
    (folder / "run.json").write_text(json.dumps(info))
    return folder


@pytest.mark.parametrize("process", ["main", "rank0"])
def test_losses(tmp_path: Path, process: str) -> None:
    losses = [
        (0, 0.5, "0000003f"),
        (0, 1.0, "0000803f"),
        (1, math.inf, "0000807f"),
        (2, math.nan, "0000c07f"),
    ]
    log = open_log(recorded(tmp_path, process, losses))
    assert (log.kind, list(log.series), log.problems) == ("record", ["loss"], ())
    assert same(log.series["loss"], [0, 0, 1, 2], [0.5, 1.0, math.inf, math.nan], "float32")


def test_the_type_is_that_of_the_bits(tmp_path: Path) -> None:
    log = open_log(recorded(tmp_path, "main", [(0, 0.5, "000000000000e03f")]))
    assert same(log.series["loss"], [0], [0.5], "float64")


def test_a_run_without_losses_and_one_of_others(tmp_path: Path) -> None:
    assert open_log(recorded(tmp_path / "none", "main", [])).series == {}
    with pytest.raises(RecordError, match="has records of worker; the losses are in main's or rank0's"):
        open_log(recorded(tmp_path / "other", "worker", []))


def test_several_runs(tmp_path: Path) -> None:
    for name in ("a", "b"):
        recorded(tmp_path / name, "main", [(0, 0.5, "0000003f")])
    with pytest.raises(RecordError, match=r"holds 2 runs; give one of them: .*/a, .*/b$"):
        open_log(tmp_path)
