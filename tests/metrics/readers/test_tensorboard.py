"""Event files of torch, tensorboardX, Lightning and in the form of TensorFlow; broken ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.metrics.events import event, field, framed, varint
from tests.metrics.files import ACCURACY32, LOSS, LOSS32, ODD, fixture, numbers, same

from samebits.errors import RecordError
from samebits.metrics import open_log
from samebits.metrics.readers import _tfrecord

STEPS = [0, 1, 2, 3, 4]


def test_torch() -> None:
    log = open_log(fixture("torch"))
    assert (log.kind, log.timing, log.problems) == ("TensorBoard", ("epoch_time",), ())
    assert list(log.series) == ["train/loss", "new/loss", "double/loss", "odd", "val/acc", "before"]
    assert same(log.series["train/loss"], STEPS, LOSS32, "float32")
    assert same(log.series["new/loss"], STEPS, LOSS32, "float32")
    assert same(log.series["double/loss"], STEPS, LOSS, "float64")
    assert same(log.series["odd"], STEPS, ODD, "float32")
    assert same(log.series["val/acc"], [0, 2, 4], ACCURACY32, "float32")
    assert same(log.series["before"], [-7], [1.0], "float32")


def test_tensorboardx() -> None:
    log = open_log(fixture("tensorboardX"))
    assert (log.kind, log.timing, log.problems, list(log.series)) == (
        "TensorBoard",
        (),
        (),
        ["train/loss", "odd"],
    )
    assert same(log.series["train/loss"], STEPS, LOSS32, "float32")
    assert same(log.series["odd"], STEPS, ODD, "float32")


def test_lightning() -> None:
    log = open_log(fixture("pytorch-lightning") / "tensorboard")
    assert (log.kind, log.timing, log.problems) == ("TensorBoard", (), ())
    assert list(log.series) == ["loss", "epoch", "val_acc"]
    assert same(log.series["loss"], STEPS, LOSS32, "float32")
    assert same(log.series["epoch"], [*STEPS, 4], [0.0] * 6, "float32")
    assert same(log.series["val_acc"], [4], [0.0], "float32")


def test_tensors_whose_first_value_alone_says_what_they_are() -> None:
    log = open_log(fixture("tensorflow"))
    assert (log.timing, log.problems, list(log.series)) == ((), (), ["loss", "double", "half", "bfloat16"])
    assert same(log.series["loss"], STEPS, LOSS32, "float32")
    assert same(log.series["double"], STEPS, LOSS, "float64")
    half = [0.333251953125, 0.25, 0.199951171875, 0.1666259765625, 0.142822265625]
    assert same(log.series["half"], STEPS, half, "float32")
    bfloat16 = [0.33203125, 0.25, 0.19921875, 0.166015625, 0.142578125]
    assert same(log.series["bfloat16"], STEPS, bfloat16, "float32")


def test_tensors_that_are_no_scalars_are_passed_over(tmp_path: Path) -> None:
    one = np.float32(1.0).tobytes()
    two = field(8, b"\x08\x01" + field(5, one * 2))
    single = field(8, b"\x08\x01" + field(5, one))
    whole = field(8, b"\x08\x03" + field(4, one))  # int32
    scalars, text = (field(9, field(1, field(1, plugin))) for plugin in (b"scalars", b"text"))
    content = b"".join(
        framed(event(step, field(1, name) + value))
        for step, (name, value) in enumerate(
            [
                (b"unknown", single),
                (b"text", single + text),
                (b"several", two + scalars),
                (b"whole", whole + scalars),
                (b"behind", scalars + single),
                (b"behind", single),
            ]
        )
    )
    (tmp_path / "x.tfevents").write_bytes(content)
    assert numbers(open_log(tmp_path)) == {"behind": [(4, 1.0), (5, 1.0)]}


def test_steps_and_names_as_they_may_be(tmp_path: Path) -> None:
    steps = [0, 5, 127, 128, 300, 1 << 40, (1 << 63) - 1, -1, 3]
    content = b"".join(
        framed(event(step, field(1, b"\xff/loss") + b"\x15" + np.float32(step).tobytes())) for step in steps
    )
    several = field(1, field(1, b"a") + b"\x15\0\0\0\0") + field(1, field(1, b"b") + b"\x15\0\0\x80\x3f")
    content += framed(varint(2 << 3) + varint(7) + field(5, several))
    (tmp_path / "x.tfevents").write_bytes(content)
    log = open_log(tmp_path)
    assert log.problems == ()
    assert list(log.series) == ["\\xff/loss", "a", "b"]
    assert log.series["\\xff/loss"].steps.tolist() == steps
    assert (numbers(log)["a"], numbers(log)["b"]) == ([(7, 0.0)], [(7, 1.0)])


def scalar(step: int, name: bytes = b"loss") -> bytes:
    return framed(event(step, field(1, name) + b"\x15" + np.float32(step).tobytes()))


def test_a_resumed_run_is_several_files(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.2.host").write_bytes(scalar(1) + scalar(2))
    (tmp_path / "events.out.tfevents.1.host").write_bytes(scalar(0) + scalar(1))
    assert numbers(open_log(tmp_path)) == {"loss": [(0, 0.0), (1, 1.0), (1, 1.0), (2, 2.0)]}


def test_a_run_that_goes_on_from_a_step_counts_from_there(tmp_path: Path) -> None:
    """SessionLog START with a step, which `purge_step` writes; TensorBoard shows it so."""
    again = framed(b"\x09" + bytes(8) + b"\x10" + varint(1) + field(7, b"\x08\x01"))
    (tmp_path / "events.out.tfevents.1.host").write_bytes(scalar(0) + scalar(1) + scalar(2))
    (tmp_path / "events.out.tfevents.2.host").write_bytes(again + scalar(1))
    log = open_log(tmp_path)
    assert numbers(log) == {"loss": [(0, 0.0), (1, 1.0)]}
    assert log.notes == ("a run that was resumed logged steps again: 2 earlier values are left out",)


def test_runs_in_folders(tmp_path: Path) -> None:
    for name in ("train", "validation"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "events.out.tfevents.1.host").write_bytes(scalar(0))
    with pytest.raises(RecordError, match=r"holds 2 runs; give one of them: .*/train, .*/validation$"):
        open_log(tmp_path)
    (tmp_path / "events.out.tfevents.1.host").write_bytes(scalar(0))
    log = open_log(tmp_path)
    assert log.problems == (
        "not shown are the runs in its folders train, validation: give them by their paths",
    )
    shutil.rmtree(tmp_path / "train")
    (tmp_path / "events.out.tfevents.1.host").unlink()
    assert open_log(tmp_path).path == tmp_path / "validation"


WRONG = "the checksum is wrong in record 3; the 2 before it are shown"
BEGINNING = scalar(0) + scalar(1)
LAST = scalar(2)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (BEGINNING + LAST[:-3], "cut off in record 3; the 2 before it are shown"),
        (BEGINNING + LAST[:12], "cut off in record 3; the 2 before it are shown"),
        (BEGINNING + LAST[:5], "cut off in record 3; the 2 before it are shown"),
        (BEGINNING + LAST[:-1] + b"\0", WRONG),
        (
            BEGINNING + LAST[:20] + b"!" + LAST[21:],
            WRONG,
        ),
        (BEGINNING + b"\xff" * 8 + LAST[8:], WRONG),
        (BEGINNING + LAST + bytes(100), "the checksum is wrong in record 4; the 3 before it are shown"),
        (BEGINNING + LAST + framed(b"\xff\xff"), "no event in record 4; the 3 before it are shown"),
        (b"", "is empty"),
    ],
    ids=range(9),
)
def test_broken_files(tmp_path: Path, data: bytes, problem: str) -> None:
    (tmp_path / "x.tfevents").write_bytes(data)
    log = open_log(tmp_path)
    separator = "" if problem == "is empty" else ":"
    assert log.problems == (f"x.tfevents{separator} {problem}",)
    number = 3 if "record 4" in problem else 2
    assert numbers(log) == ({"loss": [(step, float(step)) for step in range(number)]} if data else {})


def test_blocks_and_long_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that lie across blocks, and such as hold no scalar and are not read."""
    long = framed(event(9, field(1, b"image") + field(4, bytes(3000))))
    data = scalar(0) + long + scalar(1, b"x" * 700) + scalar(2) + long + long + scalar(3)
    (tmp_path / "x.tfevents").write_bytes(data)
    expected = {"loss": [(0, 0.0), (2, 2.0), (3, 3.0)], "x" * 700: [(1, 1.0)]}
    assert numbers(open_log(tmp_path)) == expected
    for block in (100, 1000, 3100, 5000):
        for largest in (900, 1 << 20):
            monkeypatch.setattr(_tfrecord, "_BLOCK", block)
            monkeypatch.setattr(_tfrecord, "LARGEST", largest)
            log = open_log(tmp_path)
            assert (numbers(log), log.problems) == (expected, ())
    monkeypatch.setattr(_tfrecord, "LARGEST", 900)
    (tmp_path / "x.tfevents").write_bytes(data + long[:2000])
    assert open_log(tmp_path).problems == ("x.tfevents: cut off in record 8; the 7 before it are shown",)


def test_a_gigabyte_of_nothing(tmp_path: Path) -> None:
    with open(tmp_path / "x.tfevents", "wb") as file:
        file.truncate(1 << 30)
    log = open_log(tmp_path)
    assert log.problems == ("x.tfevents: the checksum is wrong in record 1; the 0 before it are shown",)
