"""Faults that were found in other projects' seeding and resuming: none of them is here.

Each test is named after where the fault was seen.
"""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, RandomSampler, get_worker_info

from samebits.data import ResumableSampler, SampleSeeded, SeededLoader, loader_kwargs
from samebits.data.workers import SeedWorker
from samebits.errors import UsageError
from samebits.seeding.derive import Key

from .program import Config, Training
from .things import Draws, Numbers, Pipeline, Randomizable, batches, process_state, row, samples

pytestmark = pytest.mark.usefixtures("generators_restored")


def drawn(loader, count=1):
    """What the samples of some epochs drew, without their numbers."""
    return [one[1:] for _ in range(count) for one in samples(loader)]


def resumed_after(steps, make):
    """The batches after some steps in a loader that was stopped there, and in one that was not."""
    loader = make()
    iterator = iter(loader)
    for _ in range(steps):
        next(iterator)
    state = loader.state_dict()
    uninterrupted = [batch.tolist() for batch in iterator] + [batch.tolist() for batch in loader]
    other = make()
    other.load_state_dict(state)
    return [batch.tolist() for _ in range(2) for batch in other], uninterrupted


def test_accelerate_a_resumed_epoch_does_not_replay_the_order_of_epoch_0():
    def make():
        return SeededLoader(Numbers(20), 2, True, seed=7)

    loader = make()
    batches(loader)
    loader.state_dict()
    resumed = make()
    resumed.load_state_dict(loader.state_dict())
    order = [batch.tolist() for batch in resumed]
    assert order == [batch.tolist() for batch in loader]
    assert order != [batch.tolist() for batch in make()]


def test_accelerate_a_missing_or_damaged_state_is_an_error():  # accelerate#4283
    loader = SeededLoader(Numbers(20), 2, True, seed=7)
    for damaged in ({}, None, {**loader.state_dict(), "epoch": None}):
        with pytest.raises((ValueError, TypeError), match=r"SeededLoader\.load_state_dict"):
            loader.load_state_dict(damaged)


@pytest.mark.parametrize("workers", [0, 2])
def test_transformers_and_torchdata_augmentations_go_on_after_a_resume_within_an_epoch(workers):
    ways = ["python", "numpy", "torch", "albumentations", "monai"]
    resumed, uninterrupted = resumed_after(
        3, lambda: SeededLoader(Draws(12, ways), 2, True, seed=7, num_workers=workers)
    )
    assert resumed == uninterrupted


def test_ignite_a_resume_without_workers_has_the_right_order():
    resumed, uninterrupted = resumed_after(
        2, lambda: SeededLoader(Draws(12), 2, sampler=RandomSampler(Numbers(12)), seed=7)
    )
    assert resumed == uninterrupted


@pytest.mark.parametrize("epoch", [0, 1])
def test_lightning_17543_18098_a_resume_at_the_end_of_an_epoch_with_dropout_and_shuffle(epoch):
    config = Config(kind="shuffled", length=9, epochs=3)
    whole = Training(config)
    whole.run()
    stopped = Training(config)
    assert not stopped.run(3 * (epoch + 1))
    resumed = Training(config, stopped.checkpoint())
    resumed.run()
    assert resumed.history == whole.history


@pytest.mark.parametrize(
    "options", [{}, {"num_workers": 2}, {"num_workers": 2, "persistent_workers": True}], ids=str
)
def test_mmengine_lightning_20412_pytorch_41329_no_two_epochs_augment_alike(options):
    seen = drawn(SeededLoader(Draws(8), 2, seed=7, **options), 3)
    assert len(set(seen)) == 24
    columns = [set(column) for column in zip(*seen, strict=True)]
    assert all(len(column) == 24 for column in columns)


def test_lightning_20412_forgetting_the_epoch_is_an_error():
    dataset = SampleSeeded(Draws(8), 7)
    with pytest.raises(UsageError, match="no epoch was set"):
        batches(DataLoader(dataset, 2, generator=torch.Generator()))


class PerWorker(Dataset):
    """What a worker draws outside of `SampleSeeded`: its number, and one number of each generator."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return row(get_worker_info().id, random.random(), np.random.rand(), torch.rand(()).item())


def workers_draw(seed, rank, epochs=2):
    loader = DataLoader(PerWorker(), 1, num_workers=2, **loader_kwargs(seed, rank=rank))
    return [number for one in drawn(loader, epochs) for number in one]


def test_mmengine_guides_g2_g4_nvidia_neighbouring_seeds_ranks_and_workers_share_no_stream():
    """`seed + rank`, `seed + rank + worker`: 42 on rank 1 is 43 on rank 0; worker 1 of 0 is worker 0 of 1."""
    numbers = [
        number for seed, rank in itertools.product((42, 43), (0, 1)) for number in workers_draw(seed, rank)
    ]
    assert len(set(numbers)) == len(numbers) == 2 * 2 * 2 * 2 * 3


def test_guides_g2_two_workers_of_one_rank_draw_differently():
    loader = DataLoader(PerWorker(), 1, num_workers=2, **loader_kwargs(7, rank=0))
    (first, second) = samples(loader)
    assert (first[0], second[0]) == (0, 1)
    assert not set(first[1:]) & set(second[1:])


def test_yolov4_pytorch_the_number_of_epochs_ranks_and_workers_gives_no_collision():
    """Seeds hashed to 64 bits collide in torch's 32 bits after some 10,000; here whole states are set."""
    keys = set()
    for epoch in range(50):
        for rank in range(32):
            for worker in range(8):
                keys.add(Key(7, ("worker", rank, 1000 + epoch, worker)).digest())
    assert len(keys) == 50 * 32 * 8
    assert len({digest[:8] for digest in keys}) == len(keys)
    assert SeedWorker(7, 0) != SeedWorker(7, 1)


class TwoTransforms(Dataset):
    def __init__(self):
        self.transforms = [Randomizable(), Randomizable(), Pipeline(), Pipeline()]

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return row(index, *(number for transform in self.transforms for number in transform()))


@pytest.mark.parametrize("workers", [0, 2])
def test_monai_no_transform_of_a_worker_shares_a_stream_with_one_of_another(workers):
    seen = drawn(SeededLoader(TwoTransforms(), 2, seed=7, num_workers=workers), 2)
    numbers = [number for one in seen for number in one]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("workers", [1, 2])
def test_lightning_20679_no_workers_and_some_draw_alike(workers):
    alone = drawn(SeededLoader(Draws(8), 2, True, seed=7), 2)
    assert drawn(SeededLoader(Draws(8), 2, True, seed=7, num_workers=workers), 2) == alone


def test_albumentations_2559_persistent_workers_change_nothing():
    runs = [
        drawn(
            SeededLoader(
                Draws(8, ["albumentations"]), 2, True, seed=7, num_workers=2, persistent_workers=persistent
            ),
            3,
        )
        for persistent in (False, True)
    ]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 24


@pytest.mark.parametrize("workers", [0, 1])
def test_pytorch_80119_122697_a_validation_loader_shifts_nothing(workers):
    def train(*, validates):
        torch.default_generator.manual_seed(3)
        loader = SeededLoader(Draws(8), 2, True, seed=7, num_workers=workers)
        validation = SeededLoader(Draws(4), 2, seed=8, num_workers=workers)
        seen = []
        for _ in range(2):
            for batch in loader:
                seen.append((batch.tolist(), torch.rand(2).tolist()))
                if validates:
                    batches(validation)
        return seen

    assert train(validates=True) == train(validates=False)


def test_pytorch_yolov3_generators_of_a_librarys_own_are_seeded(monkeypatch):
    """imgaug draws from a generator of its own, which seeding python, numpy and torch leaves alone."""
    import sys
    import types

    imgaug = types.ModuleType("imgaug.random")
    imgaug.GLOBAL_RNG = Pipeline()
    monkeypatch.setitem(sys.modules, "imgaug.random", imgaug)

    class Augmented(Numbers):
        def __getitem__(self, index):
            return row(index, *sys.modules["imgaug.random"].GLOBAL_RNG())

    seen = drawn(SeededLoader(Augmented(6), 2, seed=7), 2)
    imgaug.GLOBAL_RNG = Pipeline()
    assert drawn(SeededLoader(Augmented(6), 3, seed=7, num_workers=1), 2) == seen
    assert len(set(seen)) == 12


def test_ranks_do_not_read_the_same_samples():
    orders = [list(ResumableSampler(20, seed=7, rank=rank, world_size=4)) for rank in range(4)]
    assert sorted(itertools.chain(*orders)) == list(range(20))


def test_lightning_isolate_rng_an_exception_in_a_dataset_moves_nothing():
    class Unreadable(Numbers):
        def __getitem__(self, index):
            random.random(), np.random.rand(), torch.rand(1)
            raise OSError("unreadable")

    before = process_state()
    with pytest.raises(OSError, match="unreadable"):
        batches(SeededLoader(Unreadable(4), 2, seed=7))
    assert process_state() == before
