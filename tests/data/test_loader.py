"""The loader that does it all: the same batches every time, from any place on."""

from __future__ import annotations

import copy
import gc
import io
import json
import pickle
import random
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    DistributedSampler,
    RandomSampler,
    SequentialSampler,
    WeightedRandomSampler,
)

from samebits import SamebitsError, StateError
from samebits.data import ResumableSampler, SampleSeeded, SeededLoader

from .things import (
    MANY_WORKERS,
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
    {"num_workers": 1, "prefetch_factor": 5},
    {"num_workers": 2, "persistent_workers": True},
    {"num_workers": 4, "prefetch_factor": 1},
]


def epochs(loader, count=3):
    return [[batch.tolist() for batch in loader] for _ in range(count)]


@pytest.mark.filterwarnings(MANY_WORKERS)
@pytest.mark.parametrize("options", WORKERS, ids=str)
@pytest.mark.parametrize("shape", [{"batch_size": 4, "shuffle": True}, {"batch_size": None}], ids=str)
def test_any_workers_give_the_same_batches_epoch_after_epoch(options, shape):
    alone = epochs(SeededLoader(Draws(9), seed=7, **shape))
    assert epochs(SeededLoader(Draws(9), seed=7, **shape, **options)) == alone
    assert alone[0] != alone[1] != alone[2] != alone[0]


@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_together_make_the_samples_of_one(world_size):
    whole = SeededLoader(Draws(20), 5, True, seed=7)
    parts = [
        SeededLoader(Draws(20), 5, True, seed=7, rank=rank, world_size=world_size, num_workers=rank % 2)
        for rank in range(world_size)
    ]
    for _ in range(2):
        together = [one for turn in zip(*map(samples, parts), strict=True) for one in turn]
        assert together == samples(whole)


def test_the_training_stream_stays_where_it_was():
    before = process_state()
    for dataset in (Draws(), Stream()):
        for options in ({}, {"num_workers": 1}):
            epochs(SeededLoader(dataset, 4, seed=7, **options), 2)
            assert process_state() == before


def test_it_looks_like_a_data_loader():
    inner = Draws(10)
    loader = SeededLoader(inner, 3, True, seed=7, num_workers=0, drop_last=True)
    assert isinstance(loader, DataLoader)
    assert isinstance(loader.dataset, SampleSeeded)
    assert loader.dataset.dataset is inner
    assert (loader.batch_size, loader.drop_last, len(loader)) == (3, True, 3)
    assert isinstance(loader.sampler, ResumableSampler)
    assert isinstance(loader.batch_sampler, BatchSampler)
    iterator = iter(loader)
    assert len(iterator) == 3
    assert len(list(iterator)) == 3
    stream = SeededLoader(Stream(10), 3, seed=7)
    with pytest.raises(TypeError, match="no len"):
        len(stream)


def test_a_break_ends_the_epoch():
    loader, other = SeededLoader(Draws(), 4, True, seed=7), SeededLoader(Draws(), 4, True, seed=7)
    for _ in loader:
        break
    batches(other)
    assert samples(loader) == samples(other)


@pytest.mark.parametrize("options", [{}, {"num_workers": 1}], ids=str)
def test_passes_at_once_keep_their_epochs(options):
    expected = epochs(SeededLoader(Draws(8), 2, True, seed=7), 2)
    loader = SeededLoader(Draws(8), 2, True, seed=7, **options)
    both = [(one.tolist(), other.tolist()) for one, other in zip(loader, loader, strict=True)]
    assert [one for one, _ in both] == expected[0]
    assert [other for _, other in both] == expected[1]


def test_set_epoch_says_what_the_next_pass_is():
    loader = SeededLoader(Draws(), 4, True, seed=7)
    expected = epochs(SeededLoader(Draws(), 4, True, seed=7))
    loader.set_epoch(2)
    assert loader.epoch == 2
    assert epochs(loader, 1) == expected[2:]
    assert loader.epoch == 3
    loader.sampler.set_epoch(1)  # as trainers do
    assert epochs(loader, 1) == expected[1:2]
    with pytest.raises(ValueError, match=r"SeededLoader\.set_epoch: the epoch must be in 0"):
        loader.set_epoch(-1)


def test_workers_end_with_the_loader():
    loader = SeededLoader(Numbers(), 2, seed=7, num_workers=1, persistent_workers=True)
    next(iter(loader))
    worker = loader._iterator._workers[0]
    known = weakref.ref(loader)
    gc.disable()
    try:
        del loader
        assert known() is None
    finally:
        gc.enable()
    assert not worker.is_alive()


def test_worker_init_fn_is_called_after_the_worker_was_seeded():
    def init(worker_id):
        random.seed(worker_id)  # what another library may ask for; samples draw from their own streams

    assert epochs(SeededLoader(Draws(), 4, seed=7, num_workers=1, worker_init_fn=init), 2) == epochs(
        SeededLoader(Draws(), 4, seed=7), 2
    )


def test_a_collate_function_draws_for_its_batch():
    def collate(drawn):
        return torch.stack(drawn) * random.random() + torch.rand(())

    alone = epochs(SeededLoader(Draws(), 4, True, seed=7, collate_fn=collate), 2)
    assert epochs(SeededLoader(Draws(), 4, True, seed=7, collate_fn=collate, num_workers=2), 2) == alone


# Samplers of the user's.


class GlobalSampler:
    """Draws from every process-wide generator, as it goes."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __iter__(self):
        left = list(range(self.length))
        random.shuffle(left)
        while left:
            chosen = np.random.randint(len(left)) if random.random() < 0.5 else torch.randint(len(left), ())
            yield left.pop(int(chosen))


SAMPLERS = {
    "random": lambda: {"sampler": RandomSampler(Numbers(11))},
    "random with a generator": lambda: {"sampler": RandomSampler(Numbers(11), generator=torch.Generator())},
    "weighted": lambda: {"sampler": WeightedRandomSampler([1.0] * 11, 11)},
    "global": lambda: {"sampler": GlobalSampler(11)},
    "batches": lambda: {"batch_sampler": BatchSampler(GlobalSampler(11), 3, False), "batch_size": 1},
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_any_sampler_repeats_moves_nothing_and_resumes(name):
    def make(**options):
        return SeededLoader(Draws(11), **{"batch_size": 3, **SAMPLERS[name](), **options}, seed=7)

    before = process_state()
    alone = epochs(make())
    assert process_state() == before
    orders = [[one[0] for batch in epoch for one in batch] for epoch in alone]
    assert orders[0] != orders[1] != orders[2]
    assert epochs(make(num_workers=2, persistent_workers=True)) == alone
    torch.rand(1)
    loader = make(num_workers=1)
    iterator = iter(loader)
    seen = [next(iterator).tolist() for _ in range(2)]
    resumed = make()
    resumed.load_state_dict(loader.state_dict())
    assert [seen + epochs(resumed, 1)[0], *epochs(resumed, 2)] == alone


@pytest.fixture(autouse=True)
def _restored(generators_restored):
    return


def test_ranks_draw_orders_of_their_own_from_a_sampler():
    orders = [
        samples(
            SeededLoader(
                Draws(40, []), 4, sampler=RandomSampler(Numbers(40)), seed=7, rank=rank, world_size=2
            )
        )
        for rank in (0, 1)
    ]
    assert orders[0] != orders[1]


def test_a_distributed_sampler_is_told_the_epoch():
    sampler = DistributedSampler(Numbers(12), num_replicas=2, rank=1, shuffle=True)
    loader = SeededLoader(Draws(12), 2, sampler=sampler, seed=7, rank=1, world_size=2)
    first, second = samples(loader), samples(loader)
    assert sampler.epoch == 1
    assert [one[0] for one in first] != [one[0] for one in second]


def test_a_sampler_of_ours_with_a_seed_of_its_own():
    sampler = ResumableSampler(12, seed=99)
    loader = SeededLoader(Draws(12), 4, sampler=sampler, seed=7)
    assert [int(one[0]) for one in samples(loader)] == sampler.order(0).tolist()
    assert [int(one[0]) for one in samples(loader)] == sampler.order(1).tolist()


# States.


def test_a_state_counts_what_was_handed_out():
    loader = SeededLoader(Draws(20), 2, True, seed=7, num_workers=2, prefetch_factor=3)
    assert loader.state_dict()["batches"] == 0
    for number, _ in enumerate(loader, 1):
        state = loader.state_dict()
        assert (state["epoch"], state["batches"], state["position"]) == (0, number, 2 * number)
    state = loader.state_dict()
    assert (state["epoch"], state["batches"], state["position"]) == (1, 0, 0)


ENDS = {
    "shuffled": lambda: SeededLoader(Draws(7), 2, True, seed=7),
    "in order, the tail left out": lambda: SeededLoader(Draws(7), 2, seed=7, drop_last=True),
    "a sampler": lambda: SeededLoader(Draws(7), 2, sampler=RandomSampler(Numbers(7)), seed=7),
    "lists": lambda: SeededLoader(Draws(7), batch_sampler=[[3, 1], [0, 2, 4], [6]], seed=7),
    "a stream": lambda: SeededLoader(Stream(7), 2, seed=7),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_state_after_the_last_batch_is_the_next_epochs_start(name):
    loader = ENDS[name]()
    first = len(batches(ENDS[name]()))
    iterator = iter(loader)
    for _ in range(first):
        next(iterator)  # the last batch was handed out, and the end not yet seen
    state = loader.state_dict()
    assert state["batches"] == first
    resumed = ENDS[name]()
    if name == "a stream":
        assert not hasattr(resumed.dataset.dataset, "__len__")
        return  # nobody knows that it has ended
    resumed.load_state_dict(state)
    assert resumed.epoch == 1
    second = [batch.tolist() for batch in loader]
    assert [batch.tolist() for batch in resumed] == second != []
    # A loop that counts epochs itself says which has ended, and then goes on to the next.
    resumed.load_state_dict(state)
    resumed.set_epoch(0)
    assert batches(resumed) == []
    resumed.set_epoch(1)
    assert [batch.tolist() for batch in resumed] == second


@pytest.mark.parametrize("options", [{}, {"num_workers": 2, "persistent_workers": True}], ids=str)
def test_a_state_cannot_be_loaded_into_a_pass_under_way(options):
    loader = SeededLoader(Draws(9), 2, True, seed=7, **options)
    state = {**loader.state_dict(), "position": 4, "batches": 2}
    iterator = iter(loader)
    for step in range(2):
        with pytest.raises(StateError, match=r"an iterator of this loader exists already.*load before iter"):
            loader.load_state_dict(state)
        assert loader.state_dict()["batches"] == step
        next(iterator)
    rest = [batch.tolist() for batch in iterator]
    loader.load_state_dict(state)
    assert epochs(loader, 1)[0] == rest
    for _ in loader:
        break  # and a pass that was left is under way no more
    loader.load_state_dict(state)
    assert epochs(loader, 1)[0] == rest


@pytest.mark.parametrize(
    ("make", "position", "batches"),
    [
        (lambda: SeededLoader(Draws(8), 2, True, seed=7), 10, 5),
        (lambda: SeededLoader(Draws(8), 2, True, seed=7), 2**40, 4),
        (lambda: SeededLoader(Draws(8), 2, sampler=list(range(8)), seed=7), 0, 5),
        (lambda: SeededLoader(Draws(8), batch_sampler=[[0, 1], [2]], seed=7), 0, 3),
    ],
)
def test_a_place_past_the_end_is_refused(make, position, batches):
    loader = make()
    before = loader.state_dict()
    with pytest.raises(StateError, match="past the end of an epoch of 8 samples"):
        loader.load_state_dict({**before, "position": position, "batches": batches})
    assert loader.state_dict() == before


@pytest.mark.parametrize("kind", ["a sampler without a length", "shared out"])
def test_a_place_past_an_end_that_nobody_knew_is_an_error_when_it_is_reached(kind):
    class Ten:
        def __iter__(self):
            return iter(range(10))

    if kind == "shared out":
        loader = SeededLoader(SharedOutStream(), 2, seed=7, split=False)
    else:
        loader = SeededLoader(Draws(10), 2, sampler=Ten(), seed=7)
    loader.load_state_dict({**loader.state_dict(), "batches": 99})
    with pytest.raises(StateError, match="a place after 99 batches, and the epoch ended after "):
        list(loader)


BATCHES = {
    "lists": lambda: [[5, 1], [0, 2, 4], [6]],
    "in order": lambda: BatchSampler(SequentialSampler(Numbers(7)), 3, False),
    "random": lambda: BatchSampler(RandomSampler(Numbers(7)), 3, True),
    "tuple": lambda: ([3], [2, 1]),
}


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize("options", [{}, {"num_workers": 2}], ids=str)
def test_batches_may_be_given(name, options):
    make = BATCHES[name]

    def fresh():
        return SeededLoader(Numbers(7), batch_sampler=make(), seed=7, **options)

    whole = epochs(fresh(), 2)
    assert epochs(fresh(), 2) == whole
    if not isinstance(make(), BatchSampler):
        assert whole == [[list(map(float, one)) for one in make()]] * 2
    loader = fresh()
    iterator = iter(loader)
    assert next(iterator).tolist() == whole[0][0]
    resumed = fresh()
    resumed.load_state_dict(json.loads(json.dumps(loader.state_dict())))
    assert epochs(resumed, 2) == [whole[0][1:], whole[1]]


@pytest.mark.parametrize("options", [{}, {"num_workers": 2, "persistent_workers": True}], ids=str)
@pytest.mark.parametrize("kind", ["map", "iterable", "shared out"])
def test_a_loader_goes_back_to_a_state_of_its_own(kind, options):
    make = {"map": Draws, "iterable": Stream, "shared out": SharedOutStream}[kind]
    more = {"split": False} if kind == "shared out" else {}
    loader = SeededLoader(make(11), 2, seed=7, **more, **options)
    batches(loader)
    iterator = iter(loader)
    next(iterator), next(iterator)
    state = loader.state_dict()
    rest = [batch.tolist() for batch in iterator]
    follows = epochs(loader, 1)[0]
    loader.load_state_dict(state)
    assert epochs(loader, 2) == [rest, follows]


def test_a_state_is_plain_data():
    loader = SeededLoader(Draws(), 2, seed=2**128 - 1)
    state = loader.state_dict()
    assert json.loads(json.dumps(state)) == state
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    assert torch.load(file, weights_only=True) == state


def test_set_epoch_after_a_state_of_that_epoch_keeps_its_position():
    def make():
        return SeededLoader(Draws(9), 2, True, seed=7)

    loader = make()
    loader.set_epoch(3)
    iterator = iter(loader)
    next(iterator)
    rest = [batch.tolist() for batch in iterator]
    state = {**make().state_dict(), "epoch": 3, "position": 2, "batches": 1}
    for tell in (
        lambda other: other.set_epoch(3),
        lambda other: other.sampler.set_epoch(3),
        lambda other: None,
    ):
        resumed = make()
        resumed.load_state_dict(state)
        tell(resumed)
        assert epochs(resumed, 1)[0] == rest
    resumed = make()
    resumed.load_state_dict(state)
    resumed.set_epoch(4)
    assert resumed.state_dict()["batches"] == 0


@pytest.mark.parametrize("kind", ["map", "iterable"])
@pytest.mark.parametrize("options", [{}, {"num_workers": 1}], ids=str)
@pytest.mark.parametrize("world_size", [4, 1, 3])
def test_killed_at_world_size_2_the_order_goes_on_at_another(kind, options, world_size):
    def make(rank, size):
        dataset = Draws(22) if kind == "map" else Stream(22)
        shuffle = True if kind == "map" else None
        return SeededLoader(dataset, 3, shuffle, seed=7, rank=rank, world_size=size, **options)

    whole = samples(make(0, 1))
    states, parts = [], []
    for rank in range(2):
        loader = make(rank, 2)
        iterator = iter(loader)
        parts.append(samples([next(iterator), next(iterator)]))
        states.append(loader.state_dict())
        del iterator
    assert states[0] == states[1]
    seen = [one for turn in zip(*parts, strict=True) for one in turn]
    assert seen == whole[:12]
    rest = []
    for rank in range(world_size):
        loader = make(rank, world_size)
        loader.load_state_dict(states[0])
        rest.append(samples(loader))
        follows = samples(loader)  # the next epoch is a whole one
        assert len(follows) in (22 // world_size, -(-22 // world_size))
    together = [part[turn] for turn in range(len(rest[0])) for part in rest if turn < len(part)]
    assert together[:10] == whole[12:]
    padding = together[10:]
    assert len(padding) == (-10 % world_size if kind == "map" else 0)
    assert {one[0] for one in padding} <= {one[0] for one in whole}


def test_the_batch_size_may_change_with_the_ranks_if_their_product_stays():
    state = SeededLoader(Draws(24), 2, True, seed=7, rank=0, world_size=4).state_dict()
    SeededLoader(Draws(24), 8, True, seed=7).load_state_dict(state)
    with pytest.raises(ValueError, match="batch_size=2 on 4 ranks, this has 4 on 1"):
        SeededLoader(Draws(24), 4, True, seed=7).load_state_dict(state)


@pytest.mark.parametrize(
    ("other", "text"),
    [
        (lambda: SeededLoader(Draws(20), 3, True, seed=8), "the state is of seed=8, this has seed=7"),
        (lambda: SeededLoader(Draws(21), 3, True, seed=7), "the state is of length=21, this has length=20"),
        (
            lambda: SeededLoader(Draws(20), 4, True, seed=7),
            "the state is of batch_size=4 on 1 ranks, this has 3",
        ),
        (lambda: SeededLoader(Draws(20), None, True, seed=7), "the state is of batch_size=None"),
        (lambda: SeededLoader(Draws(20), 3, seed=7), "the state is of sampler='sequential'"),
        (lambda: SeededLoader(SampleSeeded(Draws(20), 9), 3, True, seed=7), "the state is of samples_seed=9"),
        (lambda: SeededLoader(Draws(20), 3, sampler=ResumableSampler(20, seed=1), seed=7), "order_seed=1"),
        (
            lambda: SeededLoader(Draws(20), 3, sampler=SequentialSampler(Numbers(20)), seed=7),
            "order_seed=None",
        ),
    ],
)
def test_a_state_of_another_loader_is_refused_and_changes_nothing(other, text):
    loader = SeededLoader(Draws(20), 3, True, seed=7)
    loader.set_epoch(2)
    before = loader.state_dict()
    with pytest.raises(ValueError, match=f"SeededLoader.load_state_dict: .*{text}"):
        loader.load_state_dict(other().state_dict())
    assert loader.state_dict() == before


@pytest.mark.parametrize(
    "name", ["epoch", "position", "batches", "world_size", "num_workers", "seed", "version"]
)
def test_a_damaged_state_is_refused_and_changes_nothing(name):
    loader = SeededLoader(Draws(20), 3, True, seed=7)
    before = loader.state_dict()
    for damaged in (
        {**before, name: -1},
        {**before, name: "1"},
        {key: value for key, value in before.items() if key != name},
    ):
        with pytest.raises((ValueError, TypeError), match=r"SeededLoader\.load_state_dict: "):
            loader.load_state_dict(damaged)
        assert loader.state_dict() == before


def test_what_depends_on_ranks_or_workers_is_not_resumed_with_others():
    stream = {"split": False, "seed": 7}
    state = SeededLoader(SharedOutStream(), 2, num_workers=2, **stream).state_dict()
    with pytest.raises(ValueError, match="the state is of num_workers=2, this has num_workers=0"):
        SeededLoader(SharedOutStream(), 2, **stream).load_state_dict(state)
    state = SeededLoader(
        Draws(), 2, sampler=RandomSampler(Numbers()), seed=7, rank=1, world_size=2
    ).state_dict()
    with pytest.raises(ValueError, match="the state is of world_size=2, this has world_size=1"):
        SeededLoader(Draws(), 2, sampler=RandomSampler(Numbers()), seed=7).load_state_dict(state)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        ((Draws(),), {"seed": None}, TypeError, "SeededLoader: the seed must be an int"),
        ((Draws(),), {"in_order": False, "num_workers": 1}, ValueError, "in_order=False"),
        ((Draws(), 2, True, [1, 2]), {}, ValueError, "a sampler or shuffle=True, not both"),
        ((SampleSeeded(Draws(), 1),), {"split": False}, ValueError, "give split to that"),
        ((Stream(), 2, True), {}, ValueError, "shuffle"),
        ((Draws(), 2), {"rank": 5, "world_size": 2}, ValueError, "rank must be below"),
        ((Draws(), 2), {"num_workers": "2"}, TypeError, "num_workers must be an int, got '2'"),
        ((Draws(), 2), {"num_workers": 2.5}, TypeError, "num_workers must be an int"),
        ((Draws(), 2), {"num_workers": True}, TypeError, "num_workers must be an int, got True"),
        ((Draws(), 2), {"num_workers": -1}, ValueError, "num_workers must be in 0"),
        ((Draws(), 2), {"sampler": iter([1, 2])}, TypeError, "the sampler is an iterator, which is used up"),
        ((Draws(),), {"batch_sampler": iter([[1]])}, TypeError, "the batch_sampler is an iterator"),
        (
            (SampleSeeded(Stream(), 1, batch_size=3), 2),
            {"num_workers": 2},
            ValueError,
            "was given batch_size=3, this loader 2",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, options, error, text):
    with pytest.raises(error, match=text) as refused:
        SeededLoader(*arguments, **{"seed": 7, **options})
    if text != "shuffle":  # torch's own
        assert isinstance(refused.value, SamebitsError)


def test_the_end_of_an_epoch_shows_in_the_last_batch():
    loader = SeededLoader(Numbers(7), 3, seed=7, num_workers=2)
    assert [batch.tolist() for batch in loader] == [[0, 1, 2], [3, 4, 5], [6]]
    loader = SeededLoader(Stream(7, []), 3, seed=7, num_workers=2, drop_last=True)
    assert [tuple(batch.shape) for batch in loader] == [(3, 1), (3, 1)]
    assert batches(SeededLoader(Stream(0), 3, seed=7, num_workers=2)) == []
    assert row(1).dtype == torch.float64


class Slow(Dataset):
    """Gives way to other threads in the middle of a sample."""

    def __len__(self):
        return 60

    def __getitem__(self, index):
        first = random.random()
        time.sleep(1e-4)
        return first, np.random.rand(), torch.rand(()).item()


def test_threads_that_each_make_batches_here(generators_restored):
    def read(found, number):
        loader = SeededLoader(Slow(), seed=0, shuffle=True)
        found[number] = [[float(one) for one in batch] for batch in loader]

    found = {}
    read(found, "alone")
    threads = [threading.Thread(target=read, args=(found, number)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(batches == found["alone"] for batches in found.values())


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda loader: pickle.loads(pickle.dumps(loader))])
def test_a_copy_has_the_passes_that_are_to_come(copied: Callable[[Any], Any]) -> None:
    """`torch.multiprocessing.spawn(train, args=(loader,))`, as with a DataLoader."""
    loader = SeededLoader(list(range(7)), batch_size=2, shuffle=True, seed=3)
    list(loader)
    under_way = iter(loader)
    next(under_way)
    copy_of_it = copied(loader)
    rest = [batch.tolist() for batch in under_way]
    assert [batch.tolist() for batch in copy_of_it] == [batch.tolist() for batch in loader] != rest
