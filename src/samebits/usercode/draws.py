"""Which random generators user code draws from, how often, and whether anything ever seeded them.

"Unseeded" is an accusation, so it is only made where it is known: a generator
that user code was seen to make without a seed, or a global one whose state is
still one that start-up entropy led to.  A library that seeds (a trainer's
``seed_everything``) is not watched; its work shows in the state.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Collection
from typing import Any, Final

from samebits.usercode.content import address

_LIMIT: Final = 4096  # generator objects remembered; the oldest is forgotten first
_TWISTS: Final = 32  # how far a start-up state is followed, in blocks of 624 words
_WORDS: Final = 624


class WatchedGenerator:
    """One generator, as far as it was watched."""

    __slots__ = ("n", "name", "seeded")

    def __init__(self, name: str, seeded: bool | None) -> None:
        self.name = name
        self.seeded = seeded  # None: not known yet
        self.n = 0


class WatchedGenerators:
    """Every generator seen in this process.  Generator objects are known by address and never kept alive."""

    def __init__(self) -> None:
        self.restart(())

    def restart(self, seeded: Collection[str]) -> None:
        """Begin anew; ``seeded`` names the global generators that are known to be seeded."""
        self.python = WatchedGenerator("python", True if "python" in seeded else None)
        self.numpy = WatchedGenerator("numpy", True if "numpy" in seeded else None)
        self.torch = WatchedGenerator("torch", True if "torch" in seeded else None)
        self._objects: dict[int, WatchedGenerator] = {}
        self._start = random.getstate()

    def renew(self) -> None:
        """After a fork: Python's generator was reseeded from the system's entropy, the others were copied."""
        self.python = WatchedGenerator("python", None)
        self._objects.pop(address(getattr(random, "_inst", None)), None)
        self._start = random.getstate()

    def made(self, generator: object, name: str, seeded: bool) -> None:
        """A generator object was made by user code."""
        self._remember(generator, WatchedGenerator(name, seeded))

    def of(self, generator: object) -> WatchedGenerator:
        """The stream of a generator object; the global ones included."""
        found = self._objects.get(address(generator))
        if found is not None:
            return found
        if generator is getattr(random, "_inst", None):
            return self._remember(generator, self.python)
        if generator is _numpy_global():
            return self._remember(generator, self.numpy)
        kind = type(generator).__name__
        name = {"Generator": "numpy.Generator", "RandomState": "numpy.RandomState"}.get(kind, "python.Random")
        return self._remember(
            generator, WatchedGenerator(name, True)
        )  # made where it was not seen: no accusation

    def _remember(self, generator: object, stream: WatchedGenerator) -> WatchedGenerator:
        key = address(generator)
        self._objects.pop(key, None)
        if len(self._objects) >= _LIMIT:
            self._objects.pop(next(iter(self._objects)), None)
        self._objects[key] = stream
        return stream

    def seeded(self, stream: WatchedGenerator) -> bool:
        """Whether anything seeded ``stream``."""
        if stream.seeded is None:
            if _loader_worker():
                stream.seeded = True
            elif stream is self.python:
                stream.seeded = not self._from_start()
            elif stream is self.numpy:
                bits = getattr(_numpy_global(), "_bit_generator", None)
                stream.seeded = getattr(bits, "seed_seq", None) is None  # dropped by np.random.seed()
        return stream.seeded is True

    def bit_generator_seeded(self, bits: object) -> bool:
        found = self._objects.get(address(bits))
        return found.seeded is not False if found is not None else True

    def _from_start(self) -> bool:
        """Whether Python's global generator is where some draws from its start-up state lead to."""
        now = random.getstate()[1][:-1]
        follow = random.Random()
        follow.setstate(self._start)
        for _ in range(_TWISTS):
            if follow.getstate()[1][:-1] == now:
                return True
            follow.getrandbits(32 * _WORDS)
        return False


def _numpy_global() -> Any:
    module = sys.modules.get("numpy.random.mtrand")
    return getattr(module, "_rand", None)


def _loader_worker() -> bool:
    """In a DataLoader's worker process torch has seeded python, numpy and torch."""
    data = sys.modules.get("torch.utils.data")
    return data is not None and data.get_worker_info() is not None
