"""torchdata's StatefulDataLoader resumes `SampleSeeded` and `ResumableSampler` within an epoch.

Without torchdata, the order of its calls is followed by hand (torchdata/stateful_dataloader/sampler.py).
"""

from __future__ import annotations

import pytest
import torch
from tests.deep import only

from samebits.data import ResumableSampler, SampleSeeded, loader_kwargs

from .things import Draws, Stream

pytestmark = pytest.mark.usefixtures("generators_restored")


@pytest.mark.parametrize("drawn", [0, 3, 8])
def test_a_state_at_the_time_of_the_draw_says_what_was_drawn(drawn):
    """Iterators are made and not used; the sampler, then a new iterator of it, take the state."""
    sampler = ResumableSampler(8, seed=7)
    iterator = iter(sampler)
    for _ in range(drawn):
        next(iterator)
    states = sampler.state_dict(), iterator.state_dict()
    rest = list(iterator)
    other = ResumableSampler(8, seed=7)
    iter(other), iter(other)
    other.load_state_dict(states[0])
    resumed = iter(other)
    resumed.load_state_dict(states[1])
    assert list(resumed) == rest
    assert list(other) == list(sampler)


def test_a_finished_pass_that_was_loaded_is_followed_by_the_next_epoch():
    sampler = ResumableSampler(8, seed=7)
    iterator = iter(sampler)
    list(iterator)
    other = ResumableSampler(8, seed=7)
    other.load_state_dict(iterator.state_dict())
    iter(other).load_state_dict(iterator.state_dict())
    assert list(other) == list(sampler)


def test_a_pass_over_an_iterable_dataset_goes_on_at_its_position():
    def begin():
        dataset = SampleSeeded(Stream(9), 7)
        dataset.set_epoch(2)
        return iter(dataset)

    whole = torch.stack(list(begin()))
    stopped = begin()
    for _ in range(4):
        next(stopped)
    state = stopped.state_dict()
    resumed = iter(SampleSeeded(Stream(9), 7))
    resumed.load_state_dict(state)
    assert torch.equal(torch.stack(list(resumed)), whole[4:])


class Stateful(Draws):
    def state_dict(self):
        return {"read": 3}

    def load_state_dict(self, state):
        self.read = state["read"]


def test_a_stateful_dataset_stays_one():
    import inspect

    inner = Stateful()
    seeded = SampleSeeded(inner, 7)
    assert inspect.getattr_static(seeded, "state_dict")() == {"read": 3}
    seeded.load_state_dict({"read": 5})
    assert inner.read == 5
    assert not hasattr(SampleSeeded(Draws(), 7), "state_dict")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["map", "iterable"])
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("persistent", only([True], [False, True]))
@pytest.mark.parametrize("every", only([3], [1, 3]))
def test_with_torchdata_a_resumed_run_is_the_uninterrupted_one(kind, workers, persistent, every):
    stateful = pytest.importorskip("torchdata.stateful_dataloader")
    options = {
        "num_workers": workers,
        "persistent_workers": persistent and workers > 0,
        "snapshot_every_n_steps": every,
        **loader_kwargs(1, rank=0),
    }

    def make():
        if kind == "iterable":
            dataset = SampleSeeded(Stream(13), 7, batch_size=3)
            return dataset, stateful.StatefulDataLoader(dataset, 3, **options)
        dataset = SampleSeeded(Draws(13, ["python", "numpy", "torch", "albumentations"]), 7)
        sampler = ResumableSampler(dataset, seed=3)
        return sampler, stateful.StatefulDataLoader(dataset, 3, sampler=sampler, **options)

    def run(state=None, stop=None):
        counter, loader = make()
        first, seen = 0, []
        if state is not None:
            first = state["epoch"]
            loader.load_state_dict(state["loader"])
        for epoch in range(first, 3):
            counter.set_epoch(epoch)
            for batch in loader:
                seen.append(batch.tolist())
                if len(seen) == stop:
                    return seen, {"epoch": epoch, "loader": loader.state_dict()}
        return seen, None

    whole, _ = run()
    for stop in (1, 4, 5, 7):
        before, state = run(stop=stop)
        assert before + run(state)[0] == whole
