"""The order of samples: one for all ranks, resumed anywhere, with any number of them."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from samebits.data import ResumableSampler, SampleSeeded

from .things import Draws, Numbers, samples


def ranks(length, world_size, **options):
    return [
        ResumableSampler(length, seed=7, rank=rank, world_size=world_size, **options)
        for rank in range(world_size)
    ]


def merged(parts):
    """The ranks' indices in the order of the whole."""
    return [index for turn in zip(*parts, strict=True) for index in turn]


@given(
    length=st.integers(0, 40),
    world_size=st.integers(1, 6),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    epoch=st.integers(0, 3),
)
def test_ranks_share_one_order_evenly(length, world_size, shuffle, drop_last, epoch):
    parts = []
    for sampler in ranks(length, world_size, shuffle=shuffle, drop_last=drop_last):
        sampler.set_epoch(epoch)
        parts.append(list(sampler))
        assert len(parts[-1]) == len(sampler)
    together = merged(parts)
    order = ResumableSampler(length, seed=7, shuffle=shuffle).order(epoch).tolist()
    assert sorted(order) == list(range(length))
    if drop_last:
        assert together == order[: length // world_size * world_size]
    else:
        assert len(together) - length < world_size
        assert together == (order * (world_size + 1))[: len(together)]


@given(
    length=st.integers(1, 40),
    steps=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 9)), max_size=4),
    last=st.integers(1, 5),
)
def test_resumed_with_other_world_sizes_nothing_is_lost_or_doubled(length, steps, last):
    order = ResumableSampler(length, seed=7).order(0).tolist()
    state, seen = ResumableSampler(length, seed=7).state_dict(), []
    for world_size, count in [*steps, (last, length)]:
        parts, states = [], []
        for sampler in ranks(length, world_size):
            sampler.load_state_dict(json.loads(json.dumps(state)))
            sampler.set_epoch(0)  # also at its end
            iterator = iter(sampler)
            part = [index for _, index in zip(range(count), iterator, strict=False)]
            parts.append(part)
            states.append(iterator.state_dict())
        seen += merged(parts)
        assert all(one == states[0] for one in states)
        state = states[0]
    assert seen[:length] == order
    padding = len(seen) - length
    assert padding < max([last, *(world_size for world_size, _ in steps)])


def test_each_iterator_is_the_next_epoch_and_all_differ():
    sampler = ResumableSampler(50, seed=7)
    epochs = [list(sampler) for _ in range(3)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(50))] * 3
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    sampler.set_epoch(1)
    assert list(sampler) == epochs[1]
    assert sampler.epoch == 2


def test_iterators_that_are_never_used_change_nothing():
    sampler = ResumableSampler(20, seed=7)
    first = list(ResumableSampler(20, seed=7))
    sampler.load_state_dict({**sampler.state_dict(), "position": 5})
    iter(sampler), iter(sampler)
    assert list(sampler) == first[5:]


def test_set_epoch_after_a_state_of_that_epoch_keeps_its_position():
    sampler = ResumableSampler(20, seed=7)
    state = {**sampler.state_dict(), "epoch": 2, "position": 5}
    sampler.load_state_dict(state)
    sampler.set_epoch(2)
    assert sampler.state_dict() == state
    assert len(list(sampler)) == 15
    sampler.set_epoch(2)
    assert len(list(sampler)) == 20
    sampler.load_state_dict(state)
    sampler.set_epoch(3)
    assert len(list(sampler)) == 20


def test_a_state_at_the_end_of_an_epoch_is_the_start_of_the_next():
    sampler = ResumableSampler(20, seed=7)
    first, second = list(sampler), list(sampler)
    state = {**sampler.state_dict(), "epoch": 0, "position": 20}
    sampler.load_state_dict(state)
    assert sampler.epoch == 1
    assert list(sampler) == second
    sampler.load_state_dict(state)
    sampler.set_epoch(0)  # of a loop that counts itself
    assert list(sampler) == []
    assert list(sampler) == second
    sampler.set_epoch(0)
    assert list(sampler) == first


def test_a_state_loaded_after_the_iterator_was_made_counts():
    sampler = ResumableSampler(20, seed=7)
    first = list(ResumableSampler(20, seed=7))
    iterator = iter(sampler)
    sampler.load_state_dict({**sampler.state_dict(), "position": 5})
    assert list(iterator) == first[5:]


def test_the_dataset_is_told_the_epoch():
    dataset = SampleSeeded(Draws(6, ["python"]), 7)
    sampler = ResumableSampler(dataset, seed=7)
    loader = DataLoader(dataset, 2, sampler=sampler, generator=torch.Generator())
    seen = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        seen.append(samples(loader))
        assert dataset.epoch == epoch
    assert not {sample[1] for sample in seen[0]} & {sample[1] for sample in seen[1]}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"seed": 8}, "the state is of seed=8, this has seed=7"),
        ({"length": 21}, "the state is of length=21, this has length=20"),
        ({"shuffle": False}, "the state is of shuffle=False"),
        ({"position": -1}, "the state's position must be in 0"),
        ({"position": 21}, "the state's position 21 is past the end of an epoch of 20 samples"),
    ],
)
def test_a_state_of_another_order_is_refused(change, text):
    sampler = ResumableSampler(20, seed=7)
    sampler.set_epoch(3)
    before = sampler.state_dict()
    with pytest.raises(ValueError, match=f"load_state_dict: {text}"):
        sampler.load_state_dict({**before, **change})
    with pytest.raises(ValueError, match="the state has no 'seed'"):
        sampler.load_state_dict({})
    with pytest.raises(TypeError, match="the state must be a dict"):
        sampler.load_state_dict(None)
    with pytest.raises(TypeError, match="the state's epoch must be an int"):
        sampler.load_state_dict({**before, "epoch": None})
    assert sampler.state_dict() == before


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        ((-1,), {}, ValueError, "the dataset's length must be in 0"),
        ((5,), {"seed": None}, TypeError, "the seed must be an int"),
        (
            (5,),
            {"rank": 3, "world_size": 2},
            ValueError,
            "the rank must be below the world size; got rank 3 of 2",
        ),
        ((5,), {"rank": 0, "world_size": 0}, ValueError, "the rank must be below the world size"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, options, error, text):
    with pytest.raises(error, match=f"ResumableSampler: {text}"):
        ResumableSampler(*arguments, **{"seed": 7, **options})


def test_the_launchers_rank_is_taken(monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert repr(ResumableSampler(Numbers(9), seed=7)) == (
        "ResumableSampler(9, seed=7, shuffle=True, rank=1, world_size=3, drop_last=False)"
    )


def test_the_order_is_known():
    """An interface: the run that is resumed tomorrow must find today's order."""
    assert ResumableSampler(10, seed=7).order(0).tolist() == [6, 8, 0, 9, 5, 1, 3, 7, 4, 2]
    assert ResumableSampler(4, seed=7, shuffle=False).order(3).tolist() == [0, 1, 2, 3]
