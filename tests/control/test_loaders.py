"""DataLoaders without a generator: an order of their own, and full seeds in their workers."""

from __future__ import annotations

import copy
import inspect
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

from samebits.control.loaders import Loaders
from samebits.control.process_key import ProcessKey
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


@pytest.fixture
def loaders() -> Iterator[Loaders]:
    torch.manual_seed(3)
    made = Loaders(ProcessKey(Control(1)), seed)
    made.install(torch)
    try:
        yield made
    finally:
        made.uninstall()


def order(loader: Any) -> list[int]:
    return [int(i) for batch in loader for i in batch[0]]


def rows(loader: Any) -> list[tuple[float, ...]]:
    return [row for batch in loader for row in zip(*(part.tolist() for part in batch), strict=True)]


def shuffled(**options: Any) -> Any:
    return DataLoader(Numbers(), batch_size=8, shuffle=True, **options)


def test_a_loader_for_validation_does_not_shift_the_training_order(loaders: Loaders) -> None:
    """pytorch#80119"""

    def train(validate: bool) -> list[list[int]]:
        torch.manual_seed(3)
        loaders.torch_reseeded()
        training = shuffled()
        validation = DataLoader(Numbers(), batch_size=8)
        seen = []
        for _ in range(3):
            seen.append(order(training))
            if validate:
                order(validation)
        return seen

    assert train(False) == train(True)


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


def test_iterating_leaves_the_global_generator_where_it_is(loaders: Loaders) -> None:
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


def test_epochs_and_loaders_have_orders_of_their_own(loaders: Loaders) -> None:
    first, second = shuffled(), shuffled()
    orders = [order(first), order(first), order(second), order(second)]
    assert len({tuple(each) for each in orders}) == 4
    assert all(sorted(each) == list(range(32)) for each in orders)


def test_the_order_depends_on_the_seed_of_the_control_and_on_the_scripts_own(loaders: Loaders) -> None:
    def first_order(own: int, seed: int) -> tuple[int, ...]:
        loaders.process_key = ProcessKey(Control(seed))
        torch.manual_seed(own)
        loaders.torch_reseeded()
        return tuple(order(shuffled()))

    orders = [first_order(own, seed) for own in (1, 2) for seed in (1, 2)]
    assert len(set(orders)) == 4
    assert orders == [first_order(own, seed) for own in (1, 2) for seed in (1, 2)]


def test_seeding_before_an_epoch_decides_its_order(loaders: Loaders) -> None:
    loader = shuffled()

    def epoch(seed: int) -> list[int]:
        torch.manual_seed(seed)
        loaders.torch_reseeded()
        return order(loader)

    uninterrupted = [epoch(100 + n) for n in range(4)]
    assert [epoch(102), epoch(103)] == uninterrupted[2:]


def test_a_generator_of_the_users_is_kept_and_workers_are_seeded(loaders: Loaders) -> None:
    generator = torch.Generator().manual_seed(5)
    loader = shuffled(generator=generator)
    assert loader.generator is generator
    assert loader.worker_init_fn is not None
    loaders.uninstall()
    assert order(loader) == order(shuffled(generator=torch.Generator().manual_seed(5)))


def init(worker_id: int) -> None:
    np.random.seed(worker_id)


def test_a_worker_init_fn_of_the_users_is_kept_and_a_generator_given(loaders: Loaders) -> None:
    loader = shuffled(worker_init_fn=init)
    assert loader.worker_init_fn is init
    assert loader.generator is not None


def test_given_by_position(loaders: Loaders) -> None:
    loader = DataLoader(Numbers(), 8, True, None, None, 0, None, False, False, 0, init, None, None)
    assert loader.worker_init_fn is init
    assert loader.generator is not None
    assert loader.sampler.generator is loader.generator  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_draw_numbers_of_their_own_and_the_same_again(loaders: Loaders, method: str) -> None:
    def epochs() -> list[Any]:
        torch.manual_seed(3)
        loaders.torch_reseeded()
        loader = shuffled(num_workers=2, multiprocessing_context=method)
        return [rows(loader) for _ in range(2 if method == "fork" else 1)]

    first = epochs()
    assert first == epochs()
    for column in range(1, 4):
        drawn = [row[column] for epoch in first for row in epoch]
        assert len(set(drawn)) == len(drawn)


def test_a_wrong_argument_is_the_loaders_own_error(loaders: Loaders) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'size'"):
        DataLoader(Numbers(), size=3)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="num_workers"):
        DataLoader(Numbers(), num_workers=-1)


def test_subclasses_signatures_and_copies_go_on_working(loaders: Loaders) -> None:
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


def test_a_loader_made_again_from_anothers_attributes_goes_on_with_its_stream(loaders: Loaders) -> None:
    """What Lightning and accelerate do to put their own sampler into a loader."""
    loader = shuffled()
    first = order(loader)
    names = set(inspect.signature(DataLoader.__init__).parameters) & set(vars(loader))
    given = {name: value for name, value in vars(loader).items() if name in names - {"batch_sampler"}}
    made = DataLoader(**given)
    assert made.generator is loader.generator
    assert order(made) != first
    torch.manual_seed(3)
    loaders.torch_reseeded()
    assert order(made) == first


def test_batches_come_in_order(loaders: Loaders) -> None:
    assert DataLoader(Numbers(), in_order=False).in_order is True


def test_a_sampler_of_the_users_is_kept(loaders: Loaders) -> None:
    sampler = WeightedRandomSampler([1.0] * 32, 16, generator=torch.Generator().manual_seed(1))
    loader = DataLoader(Numbers(), sampler=sampler)
    assert loader.sampler is sampler


def test_the_class_is_put_back() -> None:
    before = DataLoader.__init__, DataLoader.__iter__
    made = Loaders(ProcessKey(Control(1)), seed)
    made.install(torch)
    loader = shuffled(num_workers=1)
    assert DataLoader.__init__ is not before[0]
    made.uninstall()
    assert (DataLoader.__init__, DataLoader.__iter__) == before
    assert shuffled().generator is None
    assert sorted(order(loader)) == list(range(32))  # one that was made meanwhile goes on working
