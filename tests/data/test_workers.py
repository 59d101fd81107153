"""What a plain DataLoader's workers are seeded with."""

from __future__ import annotations

import pickle
import random
import subprocess
import sys
import types

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

from samebits import compat
from samebits.data import loader_kwargs
from samebits.seeding import Key, Streams, register_library

from .things import batches, row


class FirstDraws(Dataset):
    """Each sample is the worker, and the first numbers of its three generators."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        worker = get_worker_info().id
        return row(worker, random.random(), np.random.rand(), torch.rand(()).item())


def drawn(seed=7, epochs=2, **options):
    """The samples of each epoch; each worker makes half of them."""
    loader = DataLoader(FirstDraws(), 2, num_workers=2, **loader_kwargs(seed, **options))
    return [[tuple(one) for batch in batches(loader) for one in batch.tolist()] for _ in range(epochs)]


def test_workers_ranks_epochs_and_seeds_all_draw_differently_and_repeat():
    runs = {(seed, rank): drawn(seed, rank=rank) for seed in (0, 1) for rank in (0, 1)}
    numbers = [number for run in runs.values() for epoch in run for one in epoch for number in one[1:]]
    assert len(set(numbers)) == len(numbers)
    assert drawn(1, rank=1) == runs[1, 1]


def test_ranks_whose_loaders_share_a_generator_still_draw_differently():
    numbers = []
    for rank in (0, 1):
        init = loader_kwargs(7, rank=rank)["worker_init_fn"]
        generator = torch.Generator()
        generator.manual_seed(0)
        loader = DataLoader(FirstDraws(), 2, num_workers=2, worker_init_fn=init, generator=generator)
        numbers += [number for batch in batches(loader) for one in batch.tolist() for number in one[1:]]
    assert len(set(numbers)) == len(numbers) == 2 * 4 * 3


def test_the_rank_is_the_launchers(monkeypatch):
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("WORLD_SIZE", "4")
    from_launcher = loader_kwargs(7)
    assert from_launcher["worker_init_fn"] == loader_kwargs(7, rank=3)["worker_init_fn"]
    assert from_launcher["worker_init_fn"] != loader_kwargs(7, rank=0)["worker_init_fn"]


class Holds(Dataset):
    """Draws from generators of its own, which a fork copies."""

    def __init__(self):
        self.rng = np.random.default_rng(3)
        self.streams = Streams(3)

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return self.rng.random(), self.streams.python("noise").random()


def test_generators_that_the_dataset_holds_differ_between_workers_and_epochs():
    def epochs():
        loader = DataLoader(Holds(), batch_size=2, num_workers=2, **loader_kwargs(1))
        return [float(x) for _ in range(2) for batch in loader for column in batch for x in column]

    first = epochs()
    assert len(set(first)) == len(first) == 32
    assert epochs() == first


def test_persistent_workers_go_on_with_their_streams():
    loader = DataLoader(FirstDraws(), 2, num_workers=2, persistent_workers=True, **loader_kwargs(7, rank=0))
    first, second = batches(loader), batches(loader)
    assert not torch.equal(torch.cat(first), torch.cat(second))


class Seeds(Dataset):
    """What generators seeded with the guides' numbers give."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return row(random.random(), np.random.rand(), torch.rand(()).item())


@pytest.mark.parametrize(("rank", "numbers"), [(0, (778, 779)), (1, (1778, 1779))])
def test_the_offset_scheme_gives_the_guides_numbers(rank, numbers, generators_restored):
    loader = DataLoader(Seeds(), 1, num_workers=2, **loader_kwargs(777, rank=rank, scheme="offset"))
    expected = [
        [
            random.Random(number).random(),
            np.random.RandomState(number).rand(),
            torch.rand((), generator=torch.Generator().manual_seed(number)).item(),
        ]
        for number in numbers
    ]
    assert [batch[0].tolist() for batch in batches(loader)] == expected
    assert loader.generator is None  # as in the guides, whose order follows torch's own generator


def test_the_offset_scheme_finds_the_rank(monkeypatch):
    monkeypatch.setenv("RANK", "5")
    kwargs = loader_kwargs(777, scheme="offset")
    assert set(kwargs) == {"worker_init_fn"}
    assert kwargs["worker_init_fn"].first == 5778


def test_a_thousandth_worker_is_refused_rather_than_given_another_ranks_number():
    with pytest.raises(ValueError, match="must be below 999, got 999"):
        loader_kwargs(777, scheme="offset")["worker_init_fn"](999)


def test_libraries_are_seeded_by_the_guides_number(generators_restored, monkeypatch):
    keys = []
    library = types.ModuleType("numbered_library")
    monkeypatch.setitem(sys.modules, library.__name__, library)
    register_library(library.__name__, lambda module, key: keys.append(key))
    loader_kwargs(777, rank=0, scheme="offset")["worker_init_fn"](1)
    compat.worker_init_fn(1, 0, 777)
    before = torch.initial_seed()
    compat.seed_worker(0)
    assert torch.initial_seed() == before
    assert keys == [Key(779, ("library", library.__name__))] * 2


SPAWNED = """
import random, sys, numpy, torch
from torch.utils.data import DataLoader
from samebits.data import SampleSeeded, SeededLoader, loader_kwargs

class Draws(torch.utils.data.Dataset):
    def __init__(self):
        self.generator = numpy.random.default_rng()
    def __len__(self):
        return 8
    def __getitem__(self, index):
        own = self.generator.random()
        return torch.tensor([random.random(), numpy.random.rand(), torch.rand(()).item(), own])

OWN = random.Random()

def mix(samples):
    return torch.stack(samples) + random.random() + OWN.random()

if __name__ == "__main__":
    contexts = sys.argv[1:]
    for context in contexts:
        kwargs = loader_kwargs(7, rank=0)
        plain = DataLoader(Draws(), 2, num_workers=2, multiprocessing_context=context, **kwargs)
        print("plain", [batch[:, :3].tolist() for _ in range(2) for batch in plain])
    for context in (None, *contexts):
        options = {"num_workers": 2, "persistent_workers": True} if context else {}
        seeded = SeededLoader(
            Draws(), 2, True, seed=7, multiprocessing_context=context, collate_fn=mix, **options
        )
        print("seeded", [batch.tolist() for _ in range(2) for batch in seeded])
"""


@pytest.mark.parametrize(
    "contexts",
    [("fork", "spawn"), pytest.param(("fork", "spawn", "forkserver"), marks=pytest.mark.deep)],
    ids="-".join,
)
def test_fork_spawn_and_forkserver_are_all_the_same(tmp_path, contexts):
    script = tmp_path / "spawned.py"
    script.write_text(SPAWNED)
    done = subprocess.run([sys.executable, script, *contexts], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2 * len(contexts) + 1
    assert len(set(lines[: len(contexts)])) == 1
    assert len(set(lines[len(contexts) :])) == 1


def test_it_can_be_pickled():
    for scheme in ("independent", "offset"):
        init = loader_kwargs(7, rank=2, scheme=scheme)["worker_init_fn"]
        assert pickle.loads(pickle.dumps(init)) == init


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"seed": 1.5}, TypeError, "the seed must be an int"),
        ({"seed": -1}, ValueError, "the seed must be in 0"),
        ({"seed": 1, "rank": True}, TypeError, "the rank must be an int"),
        ({"seed": 1, "scheme": "shared"}, ValueError, "the scheme must be 'independent' or 'offset'"),
        ({"seed": 2**32, "scheme": "offset"}, ValueError, r"must be below 2\*\*32"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, error, text):
    with pytest.raises(error, match=f"loader_kwargs: .*{text}"):
        loader_kwargs(**arguments)
