"""States of the random generators as digests."""

from __future__ import annotations

import random
from types import ModuleType

import numpy as np
import pytest
import torch

from samebits.observe import observer
from samebits.observe.generators import Generators

pytestmark = pytest.mark.usefixtures("generators_restored")


class Naming(ModuleType):
    """The native digests; names are numbered from 1 in the order they come."""

    def __init__(self) -> None:
        super().__init__("naming")
        native = observer.load()
        self.digest, self.digest_bytes = native.digest, native.digest_bytes
        self.names: list[str] = []

    def intern(self, name: str) -> int:
        self.names.append(name)
        return len(self.names)


@pytest.fixture
def naming() -> Naming:
    return Naming()


def states(generators: Generators, naming: Naming) -> dict[str, int]:
    return {naming.names[number - 1]: digest for number, digest in generators.states()}


def test_each_generator_moves_its_own_state_alone(naming: Naming) -> None:
    generators = Generators(naming)
    draws = {"python": random.random, "numpy": np.random.rand, "torch:cpu": lambda: torch.rand(1)}
    before = states(generators, naming)
    assert set(before) == set(draws)
    for name, draw in draws.items():
        draw()
        after = states(generators, naming)
        assert {n for n in after if after[n] != before[n]} == {name}
        before = after
    assert states(generators, naming) == before


def test_one_draw_within_a_block_of_numpy_is_seen(naming: Naming) -> None:
    generators = Generators(naming)
    np.random.seed(3)
    found = set()
    for _ in range(5):
        found.add(states(generators, naming)["numpy"])
        np.random.randint(1 << 16)
    assert len(found) == 5


def test_reading_moves_nothing(naming: Naming) -> None:
    before = (random.getstate(), torch.get_rng_state(), np.random.get_state()[1].tobytes())
    Generators(naming).states()
    after = (random.getstate(), torch.get_rng_state(), np.random.get_state()[1].tobytes())
    assert before[0] == after[0]
    assert torch.equal(before[1], after[1])
    assert before[2] == after[2]


def test_generators_of_loaders_are_added_once(naming: Naming) -> None:
    generators = Generators(naming)
    mine = torch.Generator().manual_seed(1)
    for each in (mine, None, mine):
        generators.add(each)
    before = states(generators, naming)
    assert "DataLoader generator 0" in before
    assert "DataLoader generator 1" not in before
    torch.rand(1, generator=mine)
    after = states(generators, naming)
    assert {n for n in after if after[n] != before[n]} == {"DataLoader generator 0"}
