"""Faults that other projects' seeding was shown to have, each a test that ours has not.

Faults of state and scopes are in test_state.py and test_scope.py, those of data in tests/data.
"""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from samebits.seeding import Key, seed_everything

pytestmark = pytest.mark.usefixtures("generators_restored")


def draws() -> tuple[float, ...]:
    return random.random(), float(np.random.rand()), torch.rand(()).item()


def test_lightning_rounds_a_float_to_a_seed() -> None:
    """Its seed_everything(1.9) seeds 1."""
    with pytest.raises(TypeError, match=r"got 1\.9 \(float\)"):
        seed_everything(1.9)  # type: ignore[arg-type]


def test_lightning_takes_a_stale_variable_for_no_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its seed_everything(None) reads what an earlier call left in PL_GLOBAL_SEED."""
    monkeypatch.setenv("PL_GLOBAL_SEED", "7")
    assert seed_everything(None).drawn


def test_accelerate_reseeds_python_before_it_refuses() -> None:
    """Its set_seed(2**32) raises in numpy, after random.seed."""
    before = random.getstate()
    seed_everything(2**32)  # all 128 bits are seeds here
    with pytest.raises(ValueError, match="must be in"):
        seed_everything(2**128)
    assert random.getstate() != before
    before = random.getstate()
    with pytest.raises(ValueError, match="2\\*\\*32"):
        seed_everything(2**32, scheme="offset")
    assert random.getstate() == before


def test_mmengine_run_0_worker_1_is_run_1_worker_0() -> None:
    seen = {
        Key(run, ("worker", rank, 0, worker)).digest() for run, rank, worker in product(range(4), repeat=3)
    }
    assert len(seen) == 4**3


def test_nvidia_seed_42_rank_1_is_seed_43_rank_0() -> None:
    seen = set()
    for seed, rank in product(range(40, 46), range(8)):
        seed_everything(seed, rank=rank)
        seen.add(draws())
    assert len(seen) == 6 * 8


def test_nvidia_shared_seeds_collide_at_eight_ranks() -> None:
    """100 of 100 epochs had two ranks with one seed."""
    for epoch in range(100):
        assert len({Key(42, ("shared", epoch, rank)).integer(64) for rank in range(8)}) == 8


def test_megatron_adds_100_per_pipeline_stage_and_10_per_data_rank() -> None:
    seen = {Key(1234, ("pipeline", pp, "data", dp)).integer(64) for pp, dp in product(range(16), range(64))}
    assert len(seen) == 16 * 64
    assert len({1234 + 100 * pp + 10 * dp for pp, dp in product(range(16), range(64))}) < 16 * 64


def test_hashes_into_manual_seed_collide() -> None:
    """400 epochs, 64 ranks, 8 workers: a 64-bit hash of which torch keeps 32 bits gave 6 equal pairs."""
    states = set()
    seeds = set()
    digest = {rank: Key(0, ("worker", rank)).numbered() for rank in range(64)}
    for epoch, rank, worker in product(range(400), range(64), range(8)):
        key = digest[rank](epoch, worker)
        states.add(key)
        seeds.add(int.from_bytes(key, "little") % 2**32)
    assert len(states) == 400 * 64 * 8
    assert len(seeds) < len(states)  # what manual_seed would keep of it
    a, b = Key(0, ("worker", 0, 0, 0)).torch(), Key(0, ("worker", 0, 0, 1)).torch()
    assert not torch.equal(torch.rand(4, generator=a), torch.rand(4, generator=b))


def test_torch_and_python_fold_seeds_together() -> None:
    """torch keeps 32 bits: 5 and 5 + 2**32; Random drops the sign: 5 and -5; torch: -1 and 2**32 - 1."""
    a, b = Key(5).torch(), Key(5 + 2**32).torch()
    assert torch.rand((), generator=a) != torch.rand((), generator=b)
    for negative in (-5, -1):
        with pytest.raises(ValueError, match="must be in"):
            Key(negative)


@pytest.mark.parametrize(
    "paths", [((1,), (1, 0)), ((2**32,), (0, 1)), ((0,), ()), ((1, 0), (1, 0, 0))], ids=str
)
def test_numpys_seed_sequence_drops_zeros_and_splits_numbers(paths: Any) -> None:
    a, b = (Key(1, path).numpy().random(4) for path in paths)
    assert not np.array_equal(a, b)
