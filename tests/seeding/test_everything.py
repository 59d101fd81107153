"""One number sets every generator, and a refused one none."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

import samebits
from samebits.seeding import SEED_LIMIT, seed_everything

pytestmark = pytest.mark.usefixtures("generators_restored")


def draws() -> tuple[Any, ...]:
    return random.random(), float(np.random.random()), float(torch.rand(()))


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**63, 2**64 - 1, 2**64, SEED_LIMIT - 1])
def test_same_seed_same_draws(seed: int) -> None:
    assert seed_everything(seed) == seed
    first = draws()
    assert draws() != first
    seed_everything(seed)
    assert draws() == first


def test_known_answers() -> None:
    seed_everything(11)
    assert draws() == (0.4523795535098186, NUMPY_11, TORCH_11)


NUMPY_11 = 0.014037450228945647
TORCH_11 = 0.14904171228408813


def test_numpy_takes_all_the_bits() -> None:
    seen = set()
    for seed in (5, 5 + 2**32, 5 + 2**64, 5 + 2**96, 5 << 32, 5 << 64):
        seed_everything(seed)
        seen.add(float(np.random.random()))
    assert len(seen) == 6


@pytest.mark.parametrize("seed", [True, False, 1.0, 1.9, "1", None, np.int64(3)])
def test_refuses_what_is_not_an_int_and_changes_nothing(seed: Any) -> None:
    random.seed(1)
    before = random.getstate(), torch.initial_seed()
    with pytest.raises(TypeError, match="the seed must be an int, got "):
        seed_everything(seed)
    assert (random.getstate(), torch.initial_seed()) == before


@pytest.mark.parametrize("seed", [-1, -5, SEED_LIMIT])
def test_refuses_what_is_out_of_range_and_changes_nothing(seed: int) -> None:
    before = random.getstate()
    with pytest.raises(ValueError, match=r"must be in 0 \.\. 2\*\*128 - 1, got "):
        seed_everything(seed)
    assert random.getstate() == before


def test_public() -> None:
    assert samebits.seed_everything is seed_everything


def test_works_without_numpy_and_torch() -> None:
    program = (
        "import sys; sys.modules['torch'] = sys.modules['numpy'] = None\n"
        "import random; from samebits.seeding import seed_everything\n"
        "seed_everything(3); print(random.random() == random.Random(3).random())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
