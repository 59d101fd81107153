"""JSON lines and arrays."""

from __future__ import annotations

from math import inf
from pathlib import Path

import pytest
from tests.metrics.files import numbers, same

from samebits.errors import RecordError
from samebits.metrics import MetricLog, open_log


def opened(folder: Path, text: str, name: str = "log.jsonl") -> MetricLog:
    (folder / name).write_text(text)
    return open_log(folder / name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.25}\n', {"loss": [(1, 0.5), (2, 0.25)]}),
        ('{"step": 1, "loss": 0.5}\r\n\r\n{"step": 2, "loss": 0.25}', {"loss": [(1, 0.5), (2, 0.25)]}),
        ('[{"step": 1, "loss": 0.5},\n {"step": 2, "loss": 0.25}]', {"loss": [(1, 0.5), (2, 0.25)]}),
        ('\ufeff{"step": 1.0, "loss": 0.5}', {"loss": [(1, 0.5)]}),
        (
            '{"epoch": 0, "train": {"loss": 0.5, "top": {"1": 3}}, "on": true, "tags": [1], "note": "x"}',
            {"train/loss": [(0, 0.5)], "train/top/1": [(0, 3.0)]},
        ),
        (
            '{"config": {"lr": 1}}\n{"step": 7, "loss": 2}\n{"val": 3}',
            {"config/lr": [(0, 1.0)], "loss": [(7, 2.0)], "val": [(7, 3.0)]},
        ),
        ('{"loss": 1}\n{"loss": Infinity}\n{"loss": "-Infinity"}', {"loss": [(0, 1.0), (1, inf), (2, -inf)]}),
        ('{"step": 3, "loss": 1}\n{"step": -1, "loss": 1e400}', {"loss": [(3, 1.0), (-1, inf)]}),
        ('{"loss": 1' + "0" * 400 + ', "a": 2}', {"a": [(0, 2.0)]}),
        ('{"loss": {"_type": "histogram", "max": 1}, "a": 2}', {"a": [(0, 2.0)]}),
        ("[]", {}),
    ],
)
def test_forms(tmp_path: Path, text: str, expected: object) -> None:
    log = opened(tmp_path, text)
    assert (log.kind, numbers(log), log.problems) == ("JSON lines", expected, ())


def test_values_to_the_bit(tmp_path: Path) -> None:
    text = '{"step": 0, "loss": 0.3333333333333333, "odd": NaN}\n{"step": 1, "loss": -0, "odd": -0.0}\n'
    log = opened(tmp_path, text)
    assert same(log.series["loss"], [0, 1], [1 / 3, -0.0], "float64")
    assert same(log.series["odd"], [0, 1], [float("nan"), -0.0], "float32")


def test_a_folder_and_timing(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(
        '{"iteration": 19, "data_time": 0.1, "eta_seconds": 3, "total_loss": 0.5}\n'
    )
    log = open_log(tmp_path)
    assert (numbers(log), log.timing) == ({"total_loss": [(19, 0.5)]}, ("data_time", "eta_seconds"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1}\n{"a": 2', "log.jsonl: cut off in line 2; the lines before it are shown"),
        (
            '{"a": 1}\nloading\n[1]\n',
            "log.jsonl: lines that are no objects are left out: 2, the first is line 2",
        ),
        (
            '{"a": 1}\n' + "[" * 100_000 + "\n",
            "log.jsonl: lines that are no objects are left out: 1, the first is line 2",
        ),
        ('{"a": 1}\n\0\n', "log.jsonl: line 2 is no text; read up to it"),
    ],
)
def test_problems(tmp_path: Path, text: str, problem: str) -> None:
    log = opened(tmp_path, text)
    assert (numbers(log), log.problems) == ({"a": [(0, 1.0)]}, (problem,))


def test_an_empty_file(tmp_path: Path) -> None:
    assert opened(tmp_path, "").problems == ("log.jsonl is empty",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{\n", "is no JSON lines: expected an object a line, such as"),
        ("[1, 2]", "is a JSON array, but not one of objects"),
        ("[" * 100_000, "is no JSON: nested too deep"),
        ("[{}", "is no JSON: "),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        opened(tmp_path, text)


def test_numbers_as_texts_and_what_is_no_number(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(
        '{"step": 1, "loss": "0.5", "best": true, "grads": [1, 2], "tag": "a", "gone": null}\n'
        '{"step": 2, "loss": "low"}\n'
    )
    log = open_log(tmp_path / "log.jsonl")
    assert numbers(log) == {"loss": [(1, 0.5)]}
    assert log.problems == ("loss: values that are no plain numbers are left out, such as 'low'",)
    assert log.notes == ("left out, since they are no numbers: best, grads, tag",)
