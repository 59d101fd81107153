"""A generator of every kind, and how it draws; shared by the tests of states and scopes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch


def numpy_generator(bits: str) -> Callable[[int], Any]:
    return lambda seed: np.random.Generator(getattr(np.random, bits)(seed))


MAKE: dict[str, Callable[[int], Any]] = {
    "torch.Generator": lambda seed: torch.Generator().manual_seed(seed),
    "random.Random": random.Random,
    "RandomState": np.random.RandomState,
    "RandomState over SFC64": lambda seed: np.random.RandomState(np.random.SFC64(seed)),
    "bare Philox": np.random.Philox,
    **{bits: numpy_generator(bits) for bits in ("PCG64", "PCG64DXSM", "Philox", "SFC64", "MT19937")},
}


def draws(generator: Any, count: int = 3) -> list[Any]:
    """What it draws next, of every width it buffers: a half word, a normal number of a pair."""
    if isinstance(generator, torch.Generator):
        drawn: Any = [
            torch.randn(count, generator=generator).tolist(),  # one by one, a spare is kept
            torch.randn(1, dtype=torch.float64, generator=generator).item(),
            torch.randint(100, (count,), generator=generator).tolist(),
        ]
    elif isinstance(generator, random.Random):
        drawn = [generator.gauss(0, 1), generator.random(), generator.getrandbits(7 * count)]
    elif isinstance(generator, np.random.RandomState):
        drawn = [float(generator.standard_normal()), generator.randint(10, size=count).tolist()]
    elif isinstance(generator, np.random.Generator):
        drawn = [
            generator.integers(100, size=count, dtype=np.uint32).tolist(),
            generator.standard_normal(count).tolist(),
            generator.spawn(1)[0].random(),
        ]
    else:
        drawn = generator.random_raw(count).tolist()
    return [drawn]


def process_draws() -> list[Any]:
    """What the process-wide generators draw next."""
    return [
        random.random(),
        random.gauss(0, 1),
        float(np.random.standard_normal()),
        float(np.random.random_sample()),
        torch.rand(2).tolist(),
        torch.randn(3).tolist(),
    ]
