"""Sets every global generator of this process from one number.

The number is checked, and every library loaded, before the first generator
changes: a refused call leaves all of them as they were.  torch's own CPU
generator keeps only the low 32 bits of a seed, so seeds that agree there share
torch's CPU stream, whatever they do elsewhere.
"""

from __future__ import annotations

import random
from importlib import import_module
from types import ModuleType
from typing import Final

#: Seeds are 0 .. SEED_LIMIT - 1: as many bits as numpy's own SeedSequence draws.
SEED_LIMIT: Final = 2**128


def seed_everything(seed: int) -> int:
    """Seed Python's, numpy's and torch's global generators, torch's on every device; return the seed.

    Accelerators that are not initialised yet are seeded when they are.  numpy
    and torch are skipped where they are not installed.

    Raises:
        TypeError: `seed` is not an int (a bool or a float is refused, not rounded).
        ValueError: `seed` is not in 0 .. 2**128 - 1.
    """
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"seed_everything: the seed must be an int, got {seed!r} ({type(seed).__name__})")
    if not 0 <= seed < SEED_LIMIT:
        raise ValueError(f"seed_everything: the seed must be in 0 .. 2**128 - 1, got {seed}")
    numpy = _installed("numpy")
    torch = _installed("torch")
    random.seed(seed)
    if numpy is not None:
        # np.random.seed takes 32-bit words; SeedSequence spreads all 128 bits over them.
        numpy.random.seed(numpy.random.SeedSequence(seed).generate_state(4))
    if torch is not None:
        torch.manual_seed(seed % 2**64)
    return seed


def _installed(name: str) -> ModuleType | None:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
