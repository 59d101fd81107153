"""The guides' names: their signatures, their numbers, and what was wrong put right."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from samebits import compat

pytestmark = pytest.mark.usefixtures("generators_restored")


@pytest.fixture(autouse=True)
def cudnn_restored() -> Iterator[None]:
    cudnn = torch.backends.cudnn
    before = cudnn.enabled, cudnn.deterministic, cudnn.benchmark
    yield
    cudnn.enabled, cudnn.deterministic, cudnn.benchmark = before


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), torch.rand(()).item()


def by_hand(seed: int) -> tuple[float, float, float]:
    random.seed(seed), np.random.seed(seed), torch.manual_seed(seed)
    return draws()


@pytest.mark.parametrize(
    ("function", "default"),
    [(compat.seed_everything, 11), (compat.seed_reproducer, 2333), (compat.setup_seed, 202003)],
)
def test_guides_defaults_and_numbers(function: Any, default: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "0")  # so that it is put back
    monkeypatch.setenv("RANK", "3")  # the guides add a rank by hand
    for seed in (default, 7):
        function(*(() if seed == default else (seed,)))
        seen = draws()
        assert seen == by_hand(seed)
    assert torch.backends.cudnn.deterministic
    assert not torch.backends.cudnn.benchmark


def test_what_each_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    compat.setup_seed(3)
    assert not torch.backends.cudnn.enabled
    compat.seed_reproducer(3)
    assert torch.backends.cudnn.enabled
    assert os.environ["PYTHONHASHSEED"] == "3"


@pytest.mark.parametrize("seed", [True, 1.5, None, -1, 2**32])
def test_refused_seeds_change_nothing(seed: Any) -> None:
    before = random.getstate(), torch.backends.cudnn.deterministic
    with pytest.raises((TypeError, ValueError), match="seed"):
        compat.seed_reproducer(seed)
    assert (random.getstate(), torch.backends.cudnn.deterministic) == before


def test_get_rank_is_0_without_torch_distributed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "3")
    assert compat.get_rank() == 0


@pytest.mark.parametrize(("rank", "worker", "number"), [(0, 0, 778), (0, 1, 779), (1, 0, 1778), (1, 1, 1779)])
def test_worker_numbers_of_the_guides(rank: int, worker: int, number: int) -> None:
    compat.worker_init_fn(worker, rank=rank, seed=777)
    seen = draws()
    assert seen == by_hand(number)


def test_no_worker_shares_anothers_number() -> None:
    """The guides' rank + seed gives all workers of a rank one number."""
    seen = set()
    for rank in range(3):
        for worker in range(4):
            compat.worker_init_fn(worker, rank, 777)
            seen.add(draws())
    assert len(seen) == 12


def test_a_thousandth_worker_is_refused_rather_than_given_another_ranks_number() -> None:
    with pytest.raises(ValueError, match="worker_id must be below 999, got 999"):
        compat.worker_init_fn(999, 0, 777)


class Noise(Dataset[Any]):
    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Any:
        return random.random(), float(np.random.rand()), torch.rand(()).item()


def epoch(init: Any) -> list[Any]:
    generator = torch.Generator().manual_seed(0)
    loader = DataLoader(Noise(), batch_size=2, num_workers=2, worker_init_fn=init, generator=generator)
    return [float(value) for batch in loader for column in batch for value in column]


@pytest.mark.parametrize("init", [compat.seed_worker, partial(compat.worker_init_fn, rank=1, seed=777)])
def test_workers_repeat_and_differ(init: Any) -> None:
    first = epoch(init)
    assert epoch(init) == first
    assert len(set(first)) == len(first)
