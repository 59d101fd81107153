"""What holds for every reader of a broken log: an error of ours, or the beginning of what it held."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.metrics.files import FILES, fixture

from samebits.errors import RecordError
from samebits.metrics import MetricLog, open_log
from samebits.metrics.readers import readers

#: A log of each kind, and which of its files is broken.
LOGS = {
    "TensorBoard": ("torch", "events*"),
    "tensors": ("tensorflow", "events*"),
    "CSV": ("ultralytics", "results.csv"),
    "sparse CSV": ("pytorch-lightning", "csv/version_0/metrics.csv"),
    "transformers": ("transformers", "checkpoint-5/trainer_state.json"),
    "MLflow": ("mlflow", "*/*/metrics/train/loss"),
    "wandb": ("wandb", "wandb/*/*.wandb"),
}
LINES = "".join(f'{{"step": {step}, "loss": {1 / (step + 3)}}}\n' for step in range(20))
PLACES = 100


@pytest.fixture(params=[*LOGS, "JSON lines"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """A log and its file."""
    if request.param == "JSON lines":
        (tmp_path / "log.jsonl").write_text(LINES)
        return tmp_path / "log.jsonl", tmp_path / "log.jsonl"
    name, pattern = LOGS[request.param]
    (file,) = fixture(name).glob(pattern)
    shutil.copytree(fixture(name), tmp_path / "log")
    copy = tmp_path / "log" / file.relative_to(fixture(name))
    return (copy.parents[2] if request.param == "MLflow" else copy), copy


def opened(path: Path) -> MetricLog | None:
    """The log, or None where it is refused."""
    message = ""
    try:
        log = open_log(path)
    except RecordError as error:
        message = str(error)
    if message:
        assert "\n" not in message
        return None
    assert all("\n" not in problem for problem in log.problems)
    for series in log.series.values():
        assert len(series.steps) == len(series.values)
    return log


def places(size: int) -> Iterator[int]:
    yield from sorted(
        {place * size // PLACES for place in range(PLACES)} | set(range(max(0, size - 20), size))
    )


def test_cut_off(log: tuple[Path, Path]) -> None:
    path, file = log
    data = file.read_bytes()
    whole = open_log(path)
    for place in places(len(data)):
        file.write_bytes(data[:place])
        part = opened(path)
        for name, series in part.series.items() if part is not None else ():
            expected = whole.series[name]
            count = len(series)
            assert series.steps.tobytes() == expected.steps[:count].tobytes(), place
            assert series.values.tobytes() == expected.values[:count].tobytes(), place


def test_flipped(log: tuple[Path, Path]) -> None:
    path, file = log
    data = file.read_bytes()
    for place in places(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        file.write_bytes(changed)
        opened(path)


STARTS = [b"", b":W&B\xe1\xbe\0", b"{", b"[", b"step,loss\n", b'{"log_history":', b"SQLite format 3\0"]
NAMES = [
    "x.tfevents",
    "x.csv",
    "x.jsonl",
    "trainer_state.json",
    "x.wandb",
    "run.json",
    "main.db",
    "x.log",
    "x",
]


@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=200), name=st.sampled_from(NAMES))
def test_garbage(tmp_path_factory: pytest.TempPathFactory, start: bytes, rest: bytes, name: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "garbage"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / name).write_bytes(start + rest)
    opened(folder)
    opened(folder / name)


def test_every_kind_has_a_log_here() -> None:
    kinds = {
        open_log(fixture(name).glob(pattern).__next__()).kind
        for name, pattern in LOGS.values()
        if name != "mlflow"
    }
    assert kinds | {"MLflow", "JSON lines", "record"} == {reader.KIND for reader in readers()}


def test_the_files_are_small() -> None:
    assert max(file.stat().st_size for file in FILES.rglob("*") if file.is_file()) < 8000
