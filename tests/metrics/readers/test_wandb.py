"""An offline run of wandb, and logs of its form."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import pytest
from tests.metrics.events import field, varint
from tests.metrics.files import ACCURACY, LOSS, ODD, fixture, numbers, same

from samebits.errors import RecordError
from samebits.metrics import open_log

STEPS = [0, 10, 20, 30, 40]
HEADER = b":W&B\xe1\xbe\x00"


@pytest.mark.parametrize("inside", ["", "wandb", "wandb/offline-run-*", "wandb/*/*.wandb"])
def test_a_run(inside: str) -> None:
    folder = fixture("wandb")
    (path,) = folder.glob(inside) if inside else [folder]
    log = open_log(path)
    assert (log.kind, log.problems) == ("wandb", ())
    assert log.timing == ("_runtime", "_timestamp", "epoch_time")
    assert list(log.series) == ["nested.loss", "odd", "train/loss", "val.acc"]
    assert same(log.series["train/loss"], STEPS, LOSS, "float64")
    assert same(log.series["nested.loss"], STEPS, LOSS, "float64")
    assert same(log.series["odd"], STEPS, ODD, "float32")
    assert same(log.series["val.acc"], [0, 20, 40], ACCURACY, "float64")


def history(step: int | None, **values: object) -> bytes:
    """A record of `run.log`."""
    items = b"".join(
        field(1, field(1, name.encode()) + field(16, json.dumps(value).encode()))
        for name, value in values.items()
    )
    number = b"" if step is None else field(2, b"\x08" + varint(step))
    return field(2, items + number)


def written(*records: bytes) -> bytes:
    """A LevelDB log of these records."""
    data = HEADER
    for record in records:
        first = True
        while True:
            left = 32768 - len(data) % 32768
            if left < 7:
                data += bytes(left)
                left = 32768
            part, record = record[: left - 7], record[left - 7 :]
            kind = (1 if first else 4) if not record else (2 if first else 3)
            crc = zlib.crc32(bytes([kind]) + part)
            data += struct.pack("<IHB", crc, len(part), kind) + part
            first = False
            if not record:
                break
    return data


@pytest.mark.parametrize("size", [0, 10, 32_730, 32_740, 32_741, 32_742, 32_743, 32_744, 32_750, 100_000])
def test_records_across_blocks(tmp_path: Path, size: int) -> None:
    records = [history(0, loss=0.5), field(4, b"x" * size), history(1, loss=0.25, note="y" * 70_000)]
    (tmp_path / "run-a.wandb").write_bytes(written(*records))
    log = open_log(tmp_path)
    assert (numbers(log), log.problems) == ({"loss": [(0, 0.5), (1, 0.25)]}, ())


def test_values(tmp_path: Path) -> None:
    image = {"_type": "image-file", "width": 3}
    records = [
        history(5, b=1, a=2.5, image=image, on=True, nested={"x": 3, "deep": {"y": 4}}),
        history(None, _step=6, b="NaN", a="Infinity"),
        history(None, b=1),
    ]
    (tmp_path / "run-a.wandb").write_bytes(written(*records))
    log = open_log(tmp_path)
    assert list(log.series) == ["a", "b", "nested.deep.y", "nested.x"]
    assert same(log.series["a"], [5, 6], [2.5, float("inf")], "float32")
    assert same(log.series["b"], [5, 6], [1.0, float("nan")], "float32")
    assert log.problems == ("run-a.wandb: no history in record 3; the 2 before it are shown",)


WHOLE = written(history(0, loss=0.5), history(1, loss=0.25))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (WHOLE[:-2], "cut off in record 2; the 1 before it are shown"),
        (WHOLE[:-1] + b"\xff", "the checksum is wrong in record 2; the 1 before it are shown"),
        (WHOLE + b"\1\2\3", "cut off in record 3; the 2 before it are shown"),
        (WHOLE + bytes(32768), "the checksum is wrong in record 3; the 2 before it are shown"),
    ],
    ids=range(4),
)
def test_broken_files(tmp_path: Path, data: bytes, problem: str) -> None:
    (tmp_path / "a.wandb").write_bytes(data)
    log = open_log(tmp_path / "a.wandb")
    assert log.problems == (f"a.wandb: {problem}",)
    assert numbers(log) == {"loss": [(0, 0.5), (1, 0.25)][: 2 if "record 3" in problem else 1]}


def test_what_is_no_file_of_wandb(tmp_path: Path) -> None:
    (tmp_path / "a.wandb").write_bytes(bytes(100))
    with pytest.raises(RecordError, match="is no file of wandb: it does not begin with :W&B"):
        open_log(tmp_path / "a.wandb")
    (tmp_path / "a.wandb").write_bytes(b":W")
    assert open_log(tmp_path).problems == ("a.wandb: cut off in record 1; the 0 before it are shown",)
