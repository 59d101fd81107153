"""DataLoaders without a generator: orders of their own, full seeds in workers, unless the program seeds."""

from __future__ import annotations

import copy
import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

from samebits.control.loaders import Loaders
from samebits.control.process_key import ProcessKey
from samebits.control.program_seeds import ProgramSeeds
from samebits.control.settings import Control

pytestmark = pytest.mark.usefixtures("generators_restored")


def seed(number: int) -> None:
    """What the control does in a worker."""
    random.seed(number)
    np.random.seed(number % 2**32)
    torch.manual_seed(number % 2**63)


class Numbers(Dataset[Any]):
    def __len__(self) -> int:
        return 32

    def __getitem__(self, i: int) -> tuple[Any, ...]:
        return i, random.random(), float(np.random.rand()), float(torch.rand(()))


@contextmanager
def controlled(number: int = 1, derived: int = 3) -> Iterator[ProgramSeeds]:
    """A process under control from its start: torch is seeded by control."""
    torch.manual_seed(derived)
    seeds = ProgramSeeds(tells=False)
    made = Loaders(ProcessKey(Control(number)), seeds, seed)
    seeds.install(torch)
    made.install(torch)
    try:
        yield seeds
    finally:
        made.uninstall()
        seeds.uninstall()


@pytest.fixture
def seeds() -> Iterator[ProgramSeeds]:
    with controlled() as made:
        yield made


def order(loader: Any) -> list[int]:
    return [int(i) for batch in loader for i in batch[0]]


def rows(loader: Any) -> list[tuple[float, ...]]:
    return [row for batch in loader for row in zip(*(part.tolist() for part in batch), strict=True)]


def shuffled(**options: Any) -> Any:
    return DataLoader(Numbers(), batch_size=8, shuffle=True, **options)


def train(validate: bool, each_epoch: bool) -> list[list[int]]:
    once, seen = shuffled(), []
    for _ in range(3):
        seen.append(order(shuffled() if each_epoch else once))
        if validate:
            order(DataLoader(Numbers(), batch_size=8))
    return seen


@pytest.mark.parametrize("each_epoch", [False, True])
def test_a_loader_for_validation_does_not_shift_the_training_order(each_epoch: bool) -> None:
    """pytorch#80119, and with loaders that are made for each epoch."""
    seen = []
    for validate in (False, True):
        with controlled():
            seen.append(train(validate, each_epoch))
    assert seen[0] == seen[1]
    assert len({tuple(epoch) for epoch in seen[0]}) == 3


def test_loaders_that_one_helper_makes_for_two_callers_are_two() -> None:
    def helper() -> Any:
        return shuffled()

    seen = []
    for validate in (False, True):
        with controlled():
            epochs = []
            for _ in range(2):
                epochs.append(order(helper()))
                if validate:
                    order(helper())
            seen.append(epochs)
    assert seen[0] == seen[1]


def plain_and_controlled(program: Callable[[], list[Any]]) -> tuple[list[Any], list[Any]]:
    plain = program()
    with controlled():
        return plain, program()


def test_where_the_program_seeds_torch_its_loaders_are_as_without_control() -> None:
    def program() -> list[Any]:
        torch.manual_seed(5)
        loader = shuffled()
        assert (loader.generator, loader.worker_init_fn) == (None, None)
        first, drawn = order(loader), torch.rand(()).item()
        torch.manual_seed(6)
        return [first, drawn, order(loader), order(shuffled(num_workers=1))]

    plain, again = plain_and_controlled(program)
    assert plain == again


def test_a_generator_that_was_given_is_taken_back_once_the_program_seeds() -> None:
    def program() -> list[Any]:
        loader = shuffled()
        torch.manual_seed(5)
        return [order(loader), order(DataLoader(**given(loader))), order(loader)]

    plain, again = plain_and_controlled(program)
    assert plain == again


def test_a_seed_inside_fork_rng_is_none_of_the_program(seeds: ProgramSeeds) -> None:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(5)
    assert shuffled().generator is not None


def test_without_control_it_does() -> None:
    def train(validate: bool) -> list[list[int]]:
        torch.manual_seed(3)
        training, seen = shuffled(), []
        for _ in range(3):
            seen.append(order(training))
            if validate:
                order(DataLoader(Numbers(), batch_size=8))
        return seen

    assert train(False) != train(True)


def test_iterating_leaves_the_global_generator_where_it_is(seeds: ProgramSeeds) -> None:
    loader = shuffled()
    before = torch.get_rng_state()
    for _ in loader:
        pass
    # The samples draw; the loader does not.
    torch.set_rng_state(before)
    assert torch.equal(torch.get_rng_state(), before)
    index = DataLoader(list(range(8)), shuffle=True)
    list(index)
    assert torch.equal(torch.get_rng_state(), before)


def test_epochs_and_loaders_have_orders_of_their_own(seeds: ProgramSeeds) -> None:
    first, second = shuffled(), shuffled()
    orders = [order(first), order(first), order(second), order(second)]
    assert len({tuple(each) for each in orders}) == 4
    assert all(sorted(each) == list(range(32)) for each in orders)


def test_the_order_depends_on_the_seed_of_the_control_and_on_what_it_seeded_torch_with() -> None:
    def first_order(number: int, derived: int) -> tuple[int, ...]:
        with controlled(number, derived):
            return tuple(order(shuffled()))

    each = [(number, derived) for number in (1, 2) for derived in (1, 2)]
    orders = [first_order(*one) for one in (*each, *each)]
    assert len(set(orders)) == 4
    assert orders[:4] == orders[4:]


def test_a_seed_of_controls_before_an_epoch_decides_its_order(seeds: ProgramSeeds) -> None:
    loader = shuffled()

    def epoch(number: int) -> list[int]:
        with seeds.derived():
            torch.manual_seed(number)
        return order(loader)

    uninterrupted = [epoch(100 + n) for n in range(4)]
    assert [epoch(102), epoch(103)] == uninterrupted[2:]


def test_a_generator_of_the_users_is_kept_and_workers_are_seeded(seeds: ProgramSeeds) -> None:
    generator = torch.Generator().manual_seed(5)
    loader = shuffled(generator=generator)
    assert loader.generator is generator
    assert loader.worker_init_fn is not None
    seeds.uninstall()
    assert order(loader) == order(shuffled(generator=torch.Generator().manual_seed(5)))


def init(worker_id: int) -> None:
    np.random.seed(worker_id)


def test_a_worker_init_fn_of_the_users_is_kept_and_a_generator_given(seeds: ProgramSeeds) -> None:
    loader = shuffled(worker_init_fn=init)
    assert loader.worker_init_fn is init
    assert loader.generator is not None


def test_given_by_position(seeds: ProgramSeeds) -> None:
    loader = DataLoader(Numbers(), 8, True, None, None, 0, None, False, False, 0, init, None, None)
    assert loader.worker_init_fn is init
    assert loader.generator is not None
    assert loader.sampler.generator is loader.generator  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_draw_numbers_of_their_own_and_the_same_again(method: str) -> None:
    def epochs() -> list[Any]:
        with controlled():
            loader = shuffled(num_workers=2, multiprocessing_context=method)
            return [rows(loader) for _ in range(2 if method == "fork" else 1)]

    first, again = (epochs() for _ in range(2))
    assert first == again
    for column in range(1, 4):
        drawn = [row[column] for epoch in first for row in epoch]
        assert len(set(drawn)) == len(drawn)


def test_a_wrong_argument_is_the_loaders_own_error(seeds: ProgramSeeds) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'size'"):
        DataLoader(Numbers(), size=3)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="num_workers"):
        DataLoader(Numbers(), num_workers=-1)


def test_subclasses_signatures_and_copies_go_on_working(seeds: ProgramSeeds) -> None:
    class Mine(DataLoader[Any]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)

    mine = Mine(Numbers(), shuffle=True)
    assert isinstance(mine, DataLoader)
    assert mine.generator is not None
    parameters = inspect.signature(DataLoader.__init__).parameters
    assert {"generator", "worker_init_fn", "in_order"} <= set(parameters)
    assert type(DataLoader) is type
    assert copy.copy(mine).generator is mine.generator
    assert copy.deepcopy(mine).generator is not None


def given(loader: Any) -> dict[str, Any]:
    """What a loader was made with, as its attributes have it."""
    names = set(inspect.signature(DataLoader.__init__).parameters) & set(vars(loader))
    return {name: value for name, value in vars(loader).items() if name in names - {"batch_sampler"}}


def test_a_loader_made_again_from_anothers_attributes_goes_on_with_its_stream(seeds: ProgramSeeds) -> None:
    """What Lightning and accelerate do to put their own sampler into a loader."""
    loader = shuffled()
    first = order(loader)
    made = DataLoader(**given(loader))
    assert made.generator is loader.generator
    assert order(made) != first


def test_batches_come_in_order(seeds: ProgramSeeds) -> None:
    assert DataLoader(Numbers(), in_order=False).in_order is True


def test_a_sampler_of_the_users_is_kept(seeds: ProgramSeeds) -> None:
    sampler = WeightedRandomSampler([1.0] * 32, 16, generator=torch.Generator().manual_seed(1))
    loader = DataLoader(Numbers(), sampler=sampler)
    assert loader.sampler is sampler


def test_the_class_is_put_back() -> None:
    before = DataLoader.__init__, DataLoader.__iter__
    with controlled():
        loader = shuffled(num_workers=1)
        assert DataLoader.__init__ is not before[0]
    assert (DataLoader.__init__, DataLoader.__iter__) == before
    assert shuffled().generator is None
    assert sorted(order(loader)) == list(range(32))  # one that was made meanwhile goes on working
