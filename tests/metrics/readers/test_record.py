"""The losses of a run that samebits recorded."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import pytest
from tests.metrics.files import same

from samebits.errors import RecordError
from samebits.metrics import open_log
from samebits.model.events import KIND, STRUCTURE
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


def written(folder: Path, steps: list[list[tuple[str, str, int, float]]], notes: dict[str, object]) -> Path:
    """A record of these events: kind, name, the number of the line, and a loss or a norm."""
    folder.mkdir()
    writer = Writer(folder / "main.db", process="main", rank=0, manifest={}, plan={})
    names = sorted({name for events in steps for _, name, _, _ in events})
    writer.names(enumerate(names, 1))
    writer.sites((line, "train.py", line, "main") for line in (4, 9))
    for key, value in notes.items():
        writer.note(key, value)
    index = 0
    for step, events in enumerate(steps):
        rows = {
            "kind": [KIND[kind] for kind, *_ in events],
            "name": [names.index(name) + 1 for _, name, _, _ in events],
            "site": [line for _, _, line, _ in events],
        }
        columns = {
            name: struct.pack(f"<{len(events)}{code}", *rows.get(name, [0] * len(events)))
            for name, code in STRUCTURE
        }
        norms = [norm for kind, _, _, norm in events if kind == "gradient"]
        packed = struct.pack(f"<{len(norms)}d", *norms)
        writer.chunk(thread=0, step=step, columns=columns, digests=bytes(8 * len(events)), norms=packed)
        for place, (kind, _, _, value) in enumerate(events):
            if kind == "loss":
                writer.loss(step=step, index=index + place, value=value, bits="0000003f")
        index += len(events)
        writer.commit(steps=step + 1)
    writer.finish("finished")
    return folder


def test_losses_of_two_lines_and_gradients_of_two_optimizers(tmp_path: Path) -> None:
    """A generator and a discriminator: neither the losses nor the norms are one curve."""
    one = [("loss", "loss", 4, 1.0), ("gradient", "G.w", 4, 3.0), ("gradient", "G.b", 4, 4.0)]
    two = [("loss", "loss", 9, 2.0), ("gradient", "D.w", 9, 7.0)]
    log = open_log(written(tmp_path / "a", [one, two, one, two], {}))
    assert {name: (series.steps.tolist(), series.values.tolist()) for name, series in log.series.items()} == {
        "loss train.py:4": ([0, 2], [1.0, 1.0]),
        "loss train.py:9": ([1, 3], [2.0, 2.0]),
        "gradient norm G": ([0, 2], [5.0, 5.0]),
        "gradient norm D": ([1, 3], [7.0, 7.0]),
    }


def test_a_norm_is_of_one_step(tmp_path: Path) -> None:
    """Where gradients are read in turn, there is one at the steps at which all are read."""
    steps = [[("gradient", "w", 4, 3.0), ("gradient", "b", 4, 4.0)]] * 2
    steps += [[("gradient", "w", 4, 6.0), ("gradient", "b", 4, 8.0)], [("gradient", "b", 4, 9.0)]]
    log = open_log(written(tmp_path / "a", steps, {"schedule": [[2, 2]]}))
    norms = log.series["gradient norm"]
    assert (norms.steps.tolist(), norms.values.tolist()) == ([0, 1, 2], [5.0, 5.0, 10.0])


def test_losses_that_no_optimizer_counts_are_rows(tmp_path: Path) -> None:
    losses = [(0, 0.5, "0000003f"), (0, 0.25, "0000803e")]
    series = open_log(recorded(tmp_path, "main", losses)).series["loss"]
    assert (series.axis, series.steps.tolist()) == ("row", [0, 1])
