"""DataLoaders with other workers: the same batches, and said where there was something to change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from samebits.control import changes, told


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "told"
    monkeypatch.setattr(told, "_said", set())
    monkeypatch.setenv(told.VARIABLE, told.TrialPlan(str(path)).to_json())
    return path


@contextmanager
def change(name: str) -> Iterator[None]:
    undo = changes.install([name])
    try:
        yield
    finally:
        undo()


def loader(**arguments: Any) -> DataLoader[Any]:
    return DataLoader(torch.arange(8), batch_size=2, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(("given", "expected"), [(0, 2), (1, 2)])
def test_a_worker_more(given: int, expected: int, file: Path) -> None:
    before = DataLoader.__init__
    with change("num-workers"):
        assert loader(num_workers=given).num_workers == expected
    assert DataLoader.__init__ is before
    assert [saying.what for saying in told.read(file)] == [f"num_workers {given} -> {expected}"]


@pytest.mark.parametrize("name", ["prefetch", "persistent-workers"])
def test_without_workers_there_is_nothing_to_change(name: str, file: Path) -> None:
    with change(name):
        made = loader()
    assert (made.prefetch_factor, made.persistent_workers) == (None, False)
    assert told.read(file) == []


def test_what_workers_have(file: Path) -> None:
    with change("prefetch"):
        assert loader(num_workers=1).prefetch_factor == 5
        assert loader(num_workers=1, prefetch_factor=4).prefetch_factor == 7
    with change("persistent-workers"):
        assert loader(num_workers=1).persistent_workers
        assert not loader(num_workers=1, persistent_workers=True).persistent_workers
    assert len(told.read(file)) == 4


def test_an_error_is_torchs_own() -> None:
    with change("num-workers"), pytest.raises(TypeError, match="unexpected keyword argument"):
        loader(workers=3)
