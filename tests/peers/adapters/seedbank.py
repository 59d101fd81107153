"""seedbank's names: one root for the process, seeds as objects with an entropy and a spawn key.

Such a seed is a `Key`: the entropy is its root, the spawn key its path.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

import samebits
from samebits.seeding import Key
from samebits.seeding.mt19937 import numpy_state


class Seed:
    """A `Key` under the names of numpy's SeedSequence."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.entropy, self.spawn_key = key.root, key.path

    def generate_state(self, words: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
        return self.key.words(words)


class _Root:
    def __init__(self) -> None:
        self.set(Key(0))

    def set(self, key: Key) -> None:
        self.seed = Seed(key)
        self.int_seed = key.integer(32)
        self.derived = 0

    def next(self) -> Key:
        self.derived += 1
        return self.seed.key.child(self.derived - 1)


_root_state = _Root()


def initialize(seed: int, *names: Any) -> None:
    samebits.seed_everything(seed)
    _root_state.set(Key(seed).child(*(make_key(name, True) for name in names)))


def root_seed() -> Seed:
    return _root_state.seed


def derive_seed(*names: Any) -> Seed:
    parts = [make_key(name, True) for name in names]
    return Seed(root_seed().key.child(*parts) if parts else _root_state.next())


def int_seed(words: int | None = None, seed: Seed | None = None) -> Any:
    key = (seed or root_seed()).key
    return key.integer(32) if words is None else key.words(words)


def make_key(name: Any, as_integer: bool = False) -> Any:
    """A name's number, or its words; a number stays itself."""
    if isinstance(name, (str, bytes)):
        key = Key(0).child(name if isinstance(name, str) else name.decode())
        return key.integer(128) if as_integer else key.words(4)
    return Key(0).child(name).path[0]


def _generator(make: Callable[[Key], Any]) -> Callable[..., Any]:
    """A function that makes a generator of a seed: a fresh one, a number, a name, or a SeedSequence."""

    def generator(seed: Any = None) -> Any:
        if isinstance(seed, np.random.SeedSequence):
            low, high = seed.generate_state(2, np.uint64)
            return make(Key(int(low) | int(high) << 64))
        if isinstance(seed, int):
            return make(Key(seed))
        return make(_root_state.next() if seed is None else derive_seed(seed).key)

    return generator


numpy_rng = _generator(Key.numpy)
std_rng = _generator(Key.python)


@_generator
def numpy_random_state(key: Key) -> np.random.RandomState:
    legacy = np.random.RandomState(0)
    legacy.set_state(numpy_state(key.words(312)))
    return legacy


def _none(*_: Any) -> Any:
    raise NotImplementedError("see tests/peers/left_out.py")


jax_key = cupy_rng = init_file = _none


def modules() -> dict[str, ModuleType]:
    this = sys.modules[__name__]
    return {"seedbank": this, "seedbank._keys": this}
