"""CSV files of Lightning, Ultralytics and Keras, and such as people make."""

from __future__ import annotations

from math import inf, nan
from pathlib import Path

import pytest
from tests.metrics.files import LOSS, LOSS32, ODD, fixture, numbers, same

from samebits.errors import RecordError
from samebits.metrics import MetricLog, open_log

STEPS = [0, 1, 2, 3, 4]


def test_lightning() -> None:
    log = open_log(fixture("pytorch-lightning") / "csv" / "version_0")
    assert (log.kind, log.timing, log.problems, list(log.series)) == (
        "CSV",
        (),
        (),
        ["epoch", "loss", "val_acc"],
    )
    assert same(log.series["loss"], STEPS, LOSS32, "float32")
    assert same(log.series["epoch"], [*STEPS, 4], [0.0] * 6, "float32")
    assert same(log.series["val_acc"], [4], [0.0], "float32")


def test_ultralytics_rounds() -> None:
    log = open_log(fixture("ultralytics"))
    assert (log.kind, log.timing, log.problems) == ("CSV", ("time",), ())
    assert list(log.series) == ["train/box_loss", "metrics/mAP50(B)", "lr/pg0"]
    steps = [1, 2, 3, 4, 5]
    loss = [0.333333, 0.25, 0.2, 0.166667, 0.142857]
    assert same(log.series["train/box_loss"], steps, loss, "float64", 6)
    accuracy = [0.0, 0.142857, 0.285714, 0.428571, 0.571429]
    assert same(log.series["metrics/mAP50(B)"], steps, accuracy, "float64", 6)
    assert same(log.series["lr/pg0"], steps, [0.01] * 5, "float64")


def test_keras() -> None:
    log = open_log(fixture("keras"))
    assert (log.kind, log.timing, log.problems, list(log.series)) == ("CSV", (), (), ["loss", "val_loss"])
    assert same(log.series["loss"], STEPS, LOSS, "float64")
    assert same(log.series["val_loss"], STEPS, ODD, "float32")


def opened(folder: Path, text: str | bytes, name: str = "log.csv") -> MetricLog:
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return open_log(folder / name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("step,loss\n1,0.5\n2,0.25\n", {"loss": [(1, 0.5), (2, 0.25)]}),
        ("\ufeffstep,loss\r\n1,0.5\r\n2,0.25\r\n", {"loss": [(1, 0.5), (2, 0.25)]}),
        ("step;loss\n1;0,5\n2;1.5e-3\n3;-2,5e-3\n", {"loss": [(1, 0.5), (2, 0.0015), (3, -0.0025)]}),
        ("step\tloss\n1\t0.5\n", {"loss": [(1, 0.5)]}),
        ("  Step ,  loss  \n 10.0 , 0.5 \n", {"loss": [(10, 0.5)]}),
        ('step,"a, b"\n1,"0.5"\n', {"a, b": [(1, 0.5)]}),
        ("loss\n0.5\n0.25\n", {"loss": [(0, 0.5), (1, 0.25)]}),
        ("epoch,step,loss\n0,3,0.5\n", {"epoch": [(3, 0.0)], "loss": [(3, 0.5)]}),
        ("epoch,loss\n1,0.5\n", {"loss": [(1, 0.5)]}),
        ("step,loss\n5,0.5\n,0.25\n", {"loss": [(5, 0.5), (5, 0.25)]}),  # as the step before
        ("step,loss\n5,0.5\n3,0.25\n-1,1\n", {"loss": [(5, 0.5), (3, 0.25), (-1, 1.0)]}),
        ("step,loss,note\n1,,best\n2,0.5,None\n", {"loss": [(2, 0.5)]}),
        ("step,loss,\n1,0.5,\n", {"loss": [(1, 0.5)]}),
        ("step,loss\n1,0.5\nstep,loss\n2,0.25\n\n", {"loss": [(1, 0.5), (2, 0.25)]}),
        ("step,loss\n1,inf\n2,-inf\n", {"loss": [(1, inf), (2, -inf)]}),
    ],
)
def test_forms(tmp_path: Path, text: str, expected: object) -> None:
    log = opened(tmp_path, text)
    assert (numbers(log), log.problems) == (expected, ())


def test_nan_and_utf16(tmp_path: Path) -> None:
    log = opened(tmp_path, "step,verlust_ü\n1,NaN\n".encode("utf-16"))
    assert same(log.series["verlust_ü"], [1], [nan], "float32")


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    assert list(opened(tmp_path, b"step,\xff,\xfe\n1,2,3\n").series) == ["\\xff", "\\xfe"]


@pytest.mark.parametrize(
    ("text", "expected", "problem"),
    [
        (
            "step,loss\n1,0.5\n2,0.2",
            {"loss": [(1, 0.5)]},
            "log.csv: the last line has no end; it may be cut off, and is left out",
        ),
        (
            "step,loss\n1,0.5\n2\n3,0.25,7\n4,1\n",
            {"loss": [(1, 0.5), (4, 1.0)]},
            "log.csv: rows with more or fewer cells than the header are left out: 2, the first in line 3",
        ),
        (
            "loss,loss\n1,2\n",
            {"loss": [(0, 1.0)], "loss (2)": [(0, 2.0)]},
            "there are several columns loss; another is shown as loss (2)",
        ),
        (
            f"step,loss\n{10**30},0.5\n",
            {"step": [(0, 1e30)], "loss": [(0, 0.5)]},
            "rows are counted as steps, since step does not hold whole numbers alone",
        ),
        (
            "epoch,loss\n0.5,2\n1.0,1\n",
            {"epoch": [(0, 0.5), (1, 1.0)], "loss": [(0, 2.0), (1, 1.0)]},
            "rows are counted as steps, since epoch does not hold whole numbers alone",
        ),
        ("step,loss\n1,0.5\n2,\0\n", {"loss": [(1, 0.5)]}, "log.csv: line 3 is no text; read up to it"),
        ("", {}, "log.csv has no line that is whole"),
        ('step,loss\n1,0.5\n2,"' + "x" * 200_000 + "\n", {"loss": [(1, 0.5)]}, None),
    ],
)
def test_problems(tmp_path: Path, text: str, expected: object, problem: str | None) -> None:
    log = opened(tmp_path, text)
    assert numbers(log) == expected
    said = (*log.problems, *log.notes)
    assert problem in said if problem else len(said) == 1


def test_a_gigabyte_of_nothing(tmp_path: Path) -> None:
    with open(tmp_path / "metrics.csv", "wb") as file:
        file.truncate(1 << 30)
    assert open_log(tmp_path).problems == ("metrics.csv: line 1 is too long to be one; read up to it",)


@pytest.mark.parametrize("text", ["INFO, started\nINFO, ended\n", "one\n1\n", "a,b\n1,2,3\n", ""])
def test_a_text_is_no_csv(tmp_path: Path, text: str) -> None:
    with pytest.raises(RecordError, match=r"log\.txt is no log"):
        opened(tmp_path, text, "log.txt")
    assert numbers(opened(tmp_path, "epoch,loss\n0,0.5\n", "training.log")) == {"loss": [(0, 0.5)]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# made by us\n# twice\nstep,loss\n1,0.5\n# later\n2,0.25\n", {"loss": [(1, 0.5), (2, 0.25)]}),
        ("# step,loss\n1,0.5\n", {"loss": [(1, 0.5)]}),
        (",step,loss\n0,1,0.5\n1,2,0.25\n", {"loss": [(1, 0.5), (2, 0.25)]}),  # pandas' index
        ("step,loss,\n1,0.5,7\n", {"loss": [(1, 0.5)]}),
    ],
)
def test_comments_and_columns_without_a_name(tmp_path: Path, text: str, expected: object) -> None:
    log = opened(tmp_path, text)
    assert (numbers(log), log.problems, log.notes) == (expected, (), ())


def test_nothing_is_left_out_without_a_word(tmp_path: Path) -> None:
    log = opened(tmp_path, 'step,loss,phase\n1,0.5,warm\n2,"1,234.5",cold\n')
    assert numbers(log) == {"loss": [(1, 0.5)]}
    assert log.problems == ("loss: values that are no plain numbers are left out, such as '1,234.5'",)
    assert log.notes == ("left out, since they are no numbers: phase",)
    huge = opened(tmp_path, "step,id\n1,9007199254740993\n2,9007199254740992\n")
    assert huge.problems == ("id: whole numbers beyond 2**53 were read as the nearest float64",)


def test_a_file_without_a_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"has no header: its first line is '1,0.5'; write the names"):
        opened(tmp_path, "1,0.5\n2,0.25\n")
