"""Generators that a DataLoader's workers get copies of: streams of their own, the same in each run."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

from samebits.control.process_key import ProcessKey
from samebits.control.settings import Control
from samebits.control.worker_streams import WorkerStreams

pytestmark = pytest.mark.usefixtures("generators_restored")

LIBRARY = """
import numpy as np
class Random:
    def __init__(self):
        self.generator = np.random.default_rng(3)
GLOBAL = Random()
PLAIN = np.random.RandomState(4)
def draw():
    return float(GLOBAL.generator.random()), float(PLAIN.rand())
"""


class Samples(Dataset[Any]):
    def __init__(self, library: Any = None) -> None:
        self.own = random.Random(5)
        self.library = library

    def __len__(self) -> int:
        return 8

    def __getitem__(self, i: int) -> Any:
        return self.own.random(), *(self.library.draw() if self.library else ())


class Shards(IterableDataset[Any]):
    def __init__(self) -> None:
        self.own = random.Random(5)

    def __iter__(self) -> Any:
        return iter([self.own.random()])


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "drawing_library.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(folder)
    import drawing_library  # type: ignore[import-not-found]

    yield drawing_library
    del sys.modules["drawing_library"]


def drawn(dataset: Any, *, control: bool, own: int = 1, init: Any = None) -> list[Any]:
    """What two epochs of two workers draw, batch by batch."""
    streams = WorkerStreams(ProcessKey(Control(own)))
    if control:
        streams.install(torch)
    try:
        torch.manual_seed(7)
        loader = DataLoader(dataset, batch_size=4, num_workers=2, collate_fn=list, worker_init_fn=init)
        return [batch for _ in range(2) for batch in loader]
    finally:
        streams.uninstall()


def test_copies_draw_alike_and_streams_of_their_own_do_not(
    library: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    plain = drawn(Samples(library), control=False)
    assert all(batch == plain[0] for batch in plain)
    assert capfd.readouterr().err == ""
    first, again, other = (drawn(Samples(library), control=True, own=own) for own in (1, 1, 2))
    assert first == again
    assert first != other
    for column in zip(*(row for batch in first for row in batch), strict=True):
        assert len(set(column)) == 16
    told = capfd.readouterr().err.splitlines()
    assert len(told) == 3  # once a program
    assert "workers of a DataLoader would have drawn the same numbers from dataset.own" in told[0]
    assert "drawing_library.GLOBAL.generator" in told[0]
    assert "test_worker_streams.py:" in told[0]


def init(worker_id: int) -> None:
    info = torch.utils.data.get_worker_info()
    assert info is not None
    info.dataset.own.seed(worker_id)  # type: ignore[attr-defined]


def test_the_programs_own_worker_init_fn_has_the_last_word() -> None:
    assert drawn(Samples(), control=True, init=init) == drawn(Samples(), control=False, init=init)


def test_workers_of_an_iterable_dataset_go_on_drawing_alike(capfd: pytest.CaptureFixture[str]) -> None:
    assert drawn(Shards(), control=True) == drawn(Shards(), control=False)
    assert capfd.readouterr().err == ""


class Quiet(Samples):
    def __getitem__(self, i: int) -> Any:
        return np.float64(i), torch.rand(()).item()


def test_process_wide_generators_stay_as_torch_seeds_them(capfd: pytest.CaptureFixture[str]) -> None:
    assert drawn(Quiet(), control=True) == drawn(Quiet(), control=False)
    assert capfd.readouterr().err == ""
