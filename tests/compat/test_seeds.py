"""The guides' names: their signatures, their numbers, and what was wrong put right."""

from __future__ import annotations

import os
import random
import struct
import types
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from samebits import compat
from samebits.seeding import HashSeedWarning

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
    assert os.environ["PYTHONHASHSEED"] == "3"
    compat.seed_reproducer(4)
    assert torch.backends.cudnn.enabled
    assert os.environ["PYTHONHASHSEED"] == "4"
    compat.seed_everything(5)
    assert os.environ["PYTHONHASHSEED"] == "4"


@pytest.mark.parametrize("seed", [True, 1.5, None, -1, 2**32])
def test_refused_seeds_change_nothing(seed: Any) -> None:
    before = random.getstate(), torch.backends.cudnn.deterministic
    with pytest.raises((TypeError, ValueError), match="seed"):
        compat.seed_reproducer(seed)
    assert (random.getstate(), torch.backends.cudnn.deterministic) == before


def test_get_rank_is_0_without_torch_distributed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "3")
    assert compat.get_rank() == 0
    assert not compat.is_dist_avail_and_initialized()


def test_every_device_gets_the_same_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `torch.cuda.manual_seed_all` does; a rank is added by the caller alone."""
    states: dict[int, bytes] = {}
    module = types.SimpleNamespace(
        device_count=lambda: 2,
        set_rng_state=lambda state, device: states.update({device.index: bytes(state.numpy())}),
    )
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch, "get_device_module", lambda device: module)
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    monkeypatch.setenv("RANK", "1")
    for function in (compat.seed_everything, compat.seed_reproducer, compat.setup_seed):
        function(202003)
        assert states == dict.fromkeys(range(2), struct.pack("<Qq", 202003, 0))


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
    with pytest.raises(ValueError, match="must be below 999, got 999"):
        compat.worker_init_fn(999, 0, 777)


def test_the_guides_own_numbers_are_for_who_asks() -> None:
    """`rank + seed`: all workers of a rank alike."""
    with pytest.warns(compat.SharedStreamWarning, match="rank [+] seed = 780, .* draw the same") as seen:
        compat.worker_init_fn(0, 3, 777, per_worker=False)
    assert seen[0].filename == __file__
    assert draws() == by_hand(780)
    compat.worker_init_fn(1, 3, 777, per_worker=False)  # the first worker's warning is enough
    assert draws() == by_hand(780)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((-1, 0, 777), ValueError, "the worker must be at least 0, got -1"),
        ((True, 0, 777), TypeError, "the worker must be an int, got True"),
        (("0", 0, 777), TypeError, "the worker must be an int, got '0'"),
        ((0, -1, 777), ValueError, "the rank must be in"),
        ((0, 0, -1), ValueError, "the seed must be in"),
        ((0, 0, 2**32 - 1), ValueError, "must be below 2\\*\\*32"),
    ],
)
def test_what_is_wrong_is_named(arguments: Any, error: type[Exception], text: str) -> None:
    before = random.getstate()
    with pytest.raises(error, match=f"worker_init_fn: .*{text}"):
        compat.worker_init_fn(*arguments)
    assert random.getstate() == before


class Noise(Dataset[Any]):
    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Any:
        return random.random(), float(np.random.rand()), torch.rand(()).item()


def epoch(init: Any) -> list[Any]:
    generator = torch.Generator().manual_seed(0)
    loader = DataLoader(Noise(), batch_size=2, num_workers=2, worker_init_fn=init, generator=generator)
    return [float(value) for batch in loader for column in batch for value in column]


@pytest.mark.parametrize(
    "init",
    [
        compat.seed_worker,
        compat._init_fn,
        lambda worker: compat._init_fn(),
        partial(compat.worker_init_fn, rank=1, seed=777),
    ],
    ids=["seed_worker", "_init_fn", "_init_fn() inside", "worker_init_fn"],
)
def test_workers_repeat_and_differ(init: Any) -> None:
    first = epoch(init)
    assert epoch(init) == first
    assert len(set(first)) == len(first)


def test_a_warning_points_at_the_users_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samebits.seeding.hash_seed._warned", False)
    monkeypatch.setattr("samebits.seeding.hash_seed.fixed_hash_seed", lambda: None)
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    compat.seed_everything(3)  # the guide's does nothing about hashes, and warns of nothing
    with pytest.warns(HashSeedWarning) as seen:
        compat.seed_reproducer(3)
    assert seen[0].filename == __file__


def test_a_warning_that_is_an_error_comes_before_anything_has_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("samebits.seeding.hash_seed._warned", False)
    monkeypatch.setattr("samebits.seeding.hash_seed.fixed_hash_seed", lambda: None)
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    before = random.getstate(), torch.backends.cudnn.deterministic, os.environ["PYTHONHASHSEED"]
    with warnings.catch_warnings():
        warnings.simplefilter("error", HashSeedWarning)
        with pytest.raises(HashSeedWarning):
            compat.setup_seed(3)
    assert (random.getstate(), torch.backends.cudnn.deterministic, os.environ["PYTHONHASHSEED"]) == before
