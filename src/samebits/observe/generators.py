"""The states of the random generators a process is known to have, as digests.

Evidence, never a verdict: Python's and numpy's global generators start from the operating system's
entropy in every process, whether or not anybody draws from them.
"""

from __future__ import annotations

import random
import sys
from array import array
from types import ModuleType
from typing import Any


class Generators:
    """``observer`` digests; generators of DataLoaders are added as they are seen."""

    def __init__(self, observer: ModuleType) -> None:
        self._observer = observer
        self._loaders: list[Any] = []
        self._numbers: dict[str, int] = {}

    def add(self, generator: Any) -> None:
        if generator is not None and all(g is not generator for g in self._loaders):
            self._loaders.append(generator)

    def states(self) -> list[tuple[int, int]]:
        """(number of its name, digest of its state) of each."""
        import torch

        digest, digest_bytes = self._observer.digest, self._observer.digest_bytes
        states = [("python", digest_bytes(array("L", random.getstate()[1])))]
        numpy = sys.modules.get("numpy.random")
        if numpy is not None:
            state = numpy.get_state(legacy=False)
            if state["bit_generator"] == "MT19937":
                states.append(("numpy", digest_bytes(state["state"]["key"]) ^ state["state"]["pos"]))
        states.append(("torch:cpu", digest(torch.get_rng_state())))
        cuda: Any = torch.cuda
        if cuda.is_initialized():
            for i in range(cuda.device_count()):
                states.append((f"torch:cuda:{i}", digest(cuda.get_rng_state(i))))
        for i, generator in enumerate(self._loaders):
            states.append((f"DataLoader generator {i}", digest(generator.get_state())))
        return [(self._number(name), value) for name, value in states]

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = self._observer.intern(name)
        return self._numbers[name]
