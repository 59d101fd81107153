"""The same sample is the same bits, whoever makes it."""

from __future__ import annotations

import copy
import pickle
import random

import numpy as np
import pytest
import torch
from tests.deep import only
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset

from samebits.data import SampleSeeded, SeededLoader
from samebits.errors import UsageError

from .things import (
    MANY_WORKERS,
    WAYS,
    Draws,
    Numbers,
    SharedOutStream,
    Stream,
    batches,
    process_state,
    row,
    samples,
)

WORKERS = [
    {"num_workers": 0},
    {"num_workers": 1, "persistent_workers": True, "prefetch_factor": 1},
    {"num_workers": 2, "prefetch_factor": 4},
    {"num_workers": 2, "persistent_workers": True, "prefetch_factor": 3},
    {"num_workers": 4, "prefetch_factor": 1},
]


def plain_loader(dataset, epochs=2, **options):
    """Each epoch's samples through torch's own DataLoader."""
    loader = DataLoader(dataset, generator=torch.Generator(), **options)
    seen = []
    for epoch in range(epochs):
        dataset.set_epoch(epoch)
        seen.append(samples(loader))
    return seen


@pytest.mark.filterwarnings(MANY_WORKERS)
@pytest.mark.parametrize("options", WORKERS, ids=str)
@pytest.mark.parametrize("batch_size", [1, 4])
def test_any_workers_and_batch_size_give_the_same_samples(options, batch_size):
    ways = ["python", "numpy", "torch", "albumentations", "monai", "closure", "lazy", "module"]
    alone = plain_loader(SampleSeeded(Draws(9, ways), 7), batch_size=3)
    seen = plain_loader(SampleSeeded(Draws(9, ways), 7), batch_size=batch_size, **options)
    assert seen == alone
    assert seen[0] != seen[1]


@pytest.mark.parametrize("way", sorted(WAYS))
def test_every_way_to_draw_is_keyed_by_the_sample(way):
    alone = SampleSeeded(Draws(6, [way]), 7)
    alone.set_epoch(1)
    one_by_one = [tuple(alone[index].tolist()) for index in (5, 3, 0)]
    after = SampleSeeded(Draws(6, [way]), 7)
    after.set_epoch(1)
    assert [tuple(after[index].tolist()) for index in (0, 1, 3, 5)] == [
        one_by_one[2],
        tuple(after[1].tolist()),
        one_by_one[1],
        one_by_one[0],
    ]
    assert len({drawn[1:] for drawn in one_by_one}) == 3


@pytest.mark.parametrize("way", sorted(WAYS))
def test_samples_epochs_and_seeds_never_draw_alike(way):
    drawn = []
    for seed in (0, 1, 2):
        dataset = SampleSeeded(Draws(20, [way]), seed)
        for epoch in range(4):
            dataset.set_epoch(epoch)
            drawn += [tuple(sample[1:]) for sample in samples([torch.stack([dataset[i] for i in range(20)])])]
    assert len(set(drawn)) == 3 * 4 * 20


def test_generators_of_one_pipeline_draw_differently():
    dataset = SampleSeeded(Draws(2, ["closure", "closure", "python", "torch", "numpy"]), 1)
    drawn = dataset[0][1:].tolist()
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize("way", sorted(WAYS))
def test_the_training_stream_stays_where_it_was(way):
    dataset = Draws(8, [way])
    seeded = SampleSeeded(dataset, 7)
    seeded.set_epoch(0)
    held = [getattr(one, "py_random", None) for one in dataset.augment]
    before = process_state(), [one and one.getstate() for one in held]
    seeded[2]
    seeded.__getitems__([1, 2])
    batches(DataLoader(seeded, 4, generator=torch.Generator()))
    assert (process_state(), [one and one.getstate() for one in held]) == before


class Fails(Dataset):
    def __init__(self):
        self.generator = np.random.default_rng(1)

    def __len__(self):
        return 4

    def __getitem__(self, index):
        random.random(), np.random.normal(), torch.rand(3), self.generator.random()
        raise RuntimeError("unreadable image")


class FailingStream(IterableDataset):
    def __iter__(self):
        yield random.random()
        np.random.rand(), torch.rand(2)
        raise RuntimeError("unreadable image")


def test_after_an_exception_all_streams_are_where_they_were():
    inner = Fails()
    seeded = SampleSeeded(inner, 7)
    before = process_state(), inner.generator.bit_generator.state
    for read in (lambda: seeded[1], lambda: seeded[1]):
        with pytest.raises(RuntimeError, match="unreadable image"):
            read()
        assert (process_state(), inner.generator.bit_generator.state) == before
    seeded.set_epoch(0)
    with pytest.raises(RuntimeError, match="unreadable image"):
        seeded.__getitems__([0, 1])
    assert (process_state(), inner.generator.bit_generator.state) == before
    with pytest.raises(RuntimeError, match="unreadable image"):
        list(SampleSeeded(FailingStream(), 7))
    assert process_state() == before[0]


def test_an_exception_in_a_collate_function_leaves_the_streams_too():
    seeded = SampleSeeded(Numbers(), 7)
    seeded.set_epoch(0)

    def collate(samples):
        torch.rand(3)
        raise RuntimeError("ragged")

    before = process_state()
    with pytest.raises(RuntimeError, match="ragged"):
        next(iter(DataLoader(seeded, 4, collate_fn=seeded.collate(collate), generator=torch.Generator())))
    assert process_state() == before


# The epoch.


def test_a_loader_without_an_epoch_is_refused(monkeypatch):
    monkeypatch.setattr("torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL", 0.2)  # its patience with workers
    seeded = SampleSeeded(Draws(), 7)
    with pytest.raises(UsageError, match=r"no epoch was set.*set_epoch\(epoch\).*SeededLoader"):
        next(iter(DataLoader(seeded, 2, generator=torch.Generator())))
    with pytest.raises(UsageError, match="no epoch was set"):
        next(iter(DataLoader(seeded, None, num_workers=1, generator=torch.Generator())))
    with pytest.raises(UsageError, match="no epoch was set"):
        next(iter(DataLoader(SampleSeeded(Stream(), 7), 2, num_workers=1, generator=torch.Generator())))
    stream = SampleSeeded(Stream(), 7)
    assert len(list(stream)) == 23
    with pytest.raises(UsageError, match="no epoch was set"):
        list(stream)


def test_by_hand_a_sample_is_that_of_epoch_0():
    by_hand = SampleSeeded(Draws(), 7)
    assert by_hand.epoch is None
    drawn = by_hand[3]
    by_hand.set_epoch(0)
    assert by_hand.epoch == 0
    assert torch.equal(by_hand[3], drawn)


@pytest.mark.parametrize(
    ("epoch", "error"), [(-1, ValueError), (True, TypeError), (1.0, TypeError), (2**62, ValueError)]
)
def test_an_epoch_that_is_none_is_refused(epoch, error):
    seeded = SampleSeeded(Draws(), 7)
    seeded.set_epoch(3)
    with pytest.raises(error, match="set_epoch: the epoch must be"):
        seeded.set_epoch(epoch)
    assert seeded.epoch == 3


def test_copies_have_the_epoch_and_do_not_share_it():
    seeded = SampleSeeded(Draws(), 7)
    seeded.set_epoch(2)
    for other in (pickle.loads(pickle.dumps(seeded)), copy.deepcopy(seeded)):
        assert torch.equal(other[4], seeded[4])
        other.set_epoch(5)
        assert seeded.epoch == 2
        assert other._cell.is_shared()


class Curriculum(Numbers):
    """Knows of epochs itself, in an ordinary attribute."""

    difficulty = 0

    def set_epoch(self, epoch):
        self.difficulty = epoch

    def __getitem__(self, index):
        return row(index, self.difficulty)


@pytest.mark.parametrize(
    "options", [{"num_workers": 0}, {"num_workers": 1, "persistent_workers": True}], ids=str
)
def test_the_epoch_is_handed_on_to_the_dataset_within_and_in_workers(options):
    dataset = SampleSeeded(Subset(Curriculum(), [2, 3]), 7)
    seen = plain_loader(dataset, epochs=3, batch_size=2, **options)
    assert seen == [[(2.0, epoch), (3.0, epoch)] for epoch in (0.0, 1.0, 2.0)]


def test_seeded_datasets_within_others_are_told_the_epoch():
    parts = [SampleSeeded(Draws(3), 1), SampleSeeded(Draws(3), 2)]
    loader = SeededLoader(Subset(ConcatDataset(parts), [0, 4]), 2, seed=5)
    first, second = samples(loader), samples(loader)
    assert first != second
    assert [part.epoch for part in parts] == [1, 1]
    other = SeededLoader(Subset(ConcatDataset(parts), [0, 4]), 2, seed=5, num_workers=1)
    assert [samples(other), samples(other)] == [first, second]


# A dataset like any other.


def test_it_is_what_the_dataset_is():
    assert isinstance(SampleSeeded(Draws(), 7), Dataset)
    assert not isinstance(SampleSeeded(Draws(), 7), IterableDataset)
    assert isinstance(SampleSeeded(Stream(), 7), IterableDataset)
    assert isinstance(SampleSeeded(Stream(), 7), SampleSeeded)
    assert isinstance(SampleSeeded([1, 2, 3], 7), SampleSeeded)


def test_attributes_of_the_dataset_are_reached_and_set():
    inner = Draws(5)
    inner.classes = ["cat", "dog"]
    seeded = SampleSeeded(inner, 7)
    assert seeded.classes == ["cat", "dog"]
    assert len(seeded) == 5
    assert seeded.dataset is inner
    seeded.mosaic = False
    assert inner.mosaic is False
    with pytest.raises(AttributeError, match="epoch"):
        seeded.epoch = 3  # not another attribute of the dataset within
    with pytest.raises(AttributeError, match="'Draws' object has no attribute 'colours'"):
        _ = seeded.colours
    with pytest.raises(AttributeError):
        _ = SampleSeeded.__new__(SampleSeeded, inner).anything


def test_a_transform_that_was_exchanged_is_seeded():
    seeded = SampleSeeded(Draws(5, ["albumentations"]), 7)
    first = seeded[1]
    seeded.augment = [WAYS["albumentations"]()]
    assert torch.equal(seeded[1], first)


def test_length_is_the_datasets():
    with pytest.raises(TypeError, match="no len"):
        len(SampleSeeded(Stream(), 7))
    stream = Stream(10)
    stream.__class__ = type("Sized", (Stream,), {"__len__": lambda self: self.length})
    assert [len(SampleSeeded(stream, 7, rank=rank, world_size=4)) for rank in range(4)] == [3, 3, 2, 2]
    assert len(SampleSeeded(stream, 7, rank=0, world_size=4, drop_last=True)) == 2


def test_a_transform_draws_within_the_sample():
    plain = SampleSeeded(Draws(5), 7)
    transformed = SampleSeeded(Draws(5), 7, transform=lambda sample: row(*sample.tolist(), random.random()))
    assert transformed[3].tolist()[:-1] == plain[3].tolist()
    assert transformed[3].tolist()[-1] not in plain[3].tolist()
    assert torch.equal(transformed[3], transformed[3])


class Anything(Dataset):
    def __len__(self):
        return 10

    def __getitem__(self, index):
        return random.random()


def test_indices_may_be_numbers_names_and_tuples_and_no_two_draw_alike():
    seeded = SampleSeeded(Anything(), 7)
    indices = [
        3, "3", (3,), ("3",), (3, 4), (3, "4"), ((3, 4), 5), (3, (4, 5)), (3, 4, 5), (-3,), ("minus", 3),
        (), "",        2**70, ("tuple", 1, 3), ("str", "3"),
    ]  # fmt: skip
    drawn = [seeded[index] for index in indices]
    assert len(set(drawn)) == len(indices)
    assert drawn == [seeded[index] for index in indices]
    assert seeded[np.int64(3)] == seeded[torch.tensor(3)] == seeded[3]
    assert seeded[-1] == seeded[9]
    with pytest.raises(
        TypeError, match=r"must be an int, a str, or a tuple or list of these, got 1.5 \(float\)"
    ):
        seeded[1.5]


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((Draws(), -1), ValueError, "the seed must be in 0"),
        ((Draws(), 1.5), TypeError, "the seed must be an int"),
        ((3, 1), TypeError, "expected a dataset, got int"),
        ((SampleSeeded(Draws(), 1), 1), TypeError, "a SampleSeeded already"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, error, text):
    with pytest.raises(error, match=f"SampleSeeded: .*{text}"):
        SampleSeeded(*arguments)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"transform": 3}, TypeError, "the transform must be callable"),
        ({"split": "ranks"}, ValueError, "split must be True, False or 'workers'"),
        ({"batch_size": 0}, ValueError, "the batch size must be at least 1"),
        ({"rank": 2, "world_size": 2}, ValueError, "the rank must be below the world size"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options, error, text):
    with pytest.raises(error, match=f"SampleSeeded: {text}"):
        SampleSeeded(Draws(), 7, **options)


# Iterable datasets.


@pytest.mark.filterwarnings(MANY_WORKERS)
@pytest.mark.parametrize("options", only(WORKERS[2:4], WORKERS), ids=str)
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize(
    ("length", "batch_size"),
    only([(23, 4), (3, 4), (9, None)], [(23, 4), (24, 4), (3, 4), (9, None), (0, 2)]),
)
def test_an_iterable_dataset_gives_the_same_batches_in_the_same_order(options, drop_last, length, batch_size):
    def read(**more):
        dataset = SampleSeeded(Stream(length), 7, batch_size=batch_size or 1)
        last = drop_last and batch_size is not None
        loader = DataLoader(dataset, batch_size, drop_last=last, generator=torch.Generator(), **more)
        seen = []
        for epoch in range(2):
            dataset.set_epoch(epoch)
            seen.append([batch.tolist() for batch in loader])
        return seen

    assert read(**options) == read()


@pytest.mark.parametrize("options", WORKERS[1:4], ids=str)
def test_generators_of_an_iterable_dataset_are_keyed_by_the_position(options):
    ways = ["albumentations", "monai", "closure", "lazy", "module"]
    alone = plain_loader(SampleSeeded(Stream(9, ways), 7), batch_size=3)
    assert plain_loader(SampleSeeded(Stream(9, ways), 7, batch_size=3), batch_size=3, **options) == alone
    drawn = [number for epoch in alone for sample in epoch for number in sample[1:]]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("world_size", [1, 2, 4])
def test_ranks_share_an_iterable_dataset(workers, world_size):
    whole = SampleSeeded(Stream(21), 7)
    whole.set_epoch(1)
    expected = samples([torch.stack(list(whole))])
    for rank in range(world_size):
        dataset = SampleSeeded(Stream(21), 7, batch_size=2, rank=rank, world_size=world_size)
        dataset.set_epoch(1)
        loader = DataLoader(dataset, 2, num_workers=workers, generator=torch.Generator())
        assert samples(loader) == expected[rank::world_size]


@pytest.mark.parametrize("length", [20, 21, 23])
def test_with_drop_last_every_rank_of_an_iterable_dataset_has_as_many(length):
    counts = []
    for rank in range(4):
        dataset = SampleSeeded(Stream(length), 7, rank=rank, world_size=4, drop_last=True)
        counts.append(len(list(dataset)))
    assert counts == [5, 5, 5, 5]


def test_a_transform_runs_only_for_samples_that_are_kept():
    seen = []
    dataset = SampleSeeded(Stream(20), 7, rank=1, world_size=4, transform=lambda sample: seen.append(sample))
    assert len(list(dataset)) == len(seen) == 5


def test_a_dataset_that_shares_itself_out_loses_nothing():
    for split in (True, False):
        dataset = SampleSeeded(SharedOutStream(20), 7, batch_size=3, split=split)
        dataset.set_epoch(0)
        loader = DataLoader(dataset, 3, num_workers=2, generator=torch.Generator())
        seen = samples(loader)
        assert sorted(sample[0] for sample in seen) == list(range(20))
        assert len({sample[1:] for sample in seen}) == 20
        assert samples(loader) == seen


def test_ranks_that_share_out_themselves_draw_differently():
    drawn = []
    for rank in range(2):
        for split in (False, "workers"):
            dataset = SampleSeeded(Stream(8), 7, rank=rank, world_size=2, split=split)
            drawn += [tuple(sample.tolist()[1:]) for sample in dataset]
    assert len(drawn) == len(set(drawn)) == 32


def test_several_workers_need_the_batch_size_of_an_iterable_dataset():
    dataset = SampleSeeded(Stream(), 7)
    dataset.set_epoch(0)
    with pytest.raises(UsageError, match="give SampleSeeded the DataLoader's batch_size"):
        next(iter(DataLoader(dataset, 2, num_workers=2, generator=torch.Generator())))


def test_the_worker_is_seen_again_after_an_iterable_sample():
    from torch.utils.data import get_worker_info

    dataset = SampleSeeded(Stream(8, []), 7, transform=lambda sample: row(-1))
    dataset.set_epoch(0)
    loader = DataLoader(
        dataset,
        2,
        num_workers=1,
        generator=torch.Generator(),
        collate_fn=lambda drawn: row(-1 if get_worker_info() is None else get_worker_info().id),
    )
    assert batches(loader) == [row(0)] * 4


# Collate functions.


def mixed(samples):
    return torch.stack(samples).double() * random.random() + np.random.rand() + torch.rand(())


@pytest.mark.parametrize("dataset", [Draws(11), Stream(11)], ids=["map", "iterable"])
def test_what_a_collate_function_draws_belongs_to_the_batch(dataset):
    def read(**options):
        seeded = SampleSeeded(dataset, 7, batch_size=4)
        seeded.set_epoch(3)
        collate = seeded.collate(mixed)
        loader = DataLoader(seeded, 4, collate_fn=collate, generator=torch.Generator(), **options)
        return [batch.tolist() for batch in loader]

    before = process_state()
    alone = read()
    assert process_state() == before
    assert read(num_workers=2) == alone
    assert read(num_workers=1, prefetch_factor=1) == alone


@pytest.mark.parametrize("dataset", [Draws(12), Stream(12)], ids=["map", "iterable"])
def test_no_two_batches_collate_alike(dataset):
    seeded = SampleSeeded(dataset, 7)
    collate = seeded.collate(lambda samples: row(random.random(), np.random.rand(), torch.rand(()).item()))
    drawn = []
    for epoch in range(2):
        seeded.set_epoch(epoch)
        drawn += batches(DataLoader(seeded, 3, collate_fn=collate, generator=torch.Generator()))
    assert len(set(torch.cat(drawn).tolist())) == 2 * 4 * 3
