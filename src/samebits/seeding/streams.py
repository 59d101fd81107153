"""Named streams: each place that draws has its own, so one more draw here changes nothing there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from samebits.seeding.derive import Key
from samebits.seeding.ranks import checked_rank

if TYPE_CHECKING:
    import random

    import numpy as np
    import torch


class Streams:
    """Generators by name, derived from one seed.

    The same name gives the same object each time, so its stream goes on; another
    name, kind, device or seed gives an independent one.  Whether a stream is
    asked for, and when, has no effect on any other::

        streams = Streams(7)
        noise = torch.randn(3, generator=streams.torch("dropout"))
        order = streams.numpy("augment").permutation(10)
        streams.python("shuffle").shuffle(files)

    All ranks have the same streams; `per_rank` gives each its own.

    Args:
        seed: 0 .. 2**128 - 1, or a `Key` to derive from.

    Raises:
        TypeError, ValueError: the seed is not such a number.
    """

    def __init__(self, seed: int | Key) -> None:
        self.key = seed if isinstance(seed, Key) else Key(seed, ("streams",))
        self._generators: dict[tuple[str, ...], Any] = {}

    def __repr__(self) -> str:
        return f"Streams({self.key!r})"

    def torch(self, name: str, device: str | torch.device = "cpu") -> torch.Generator:
        """The `torch.Generator` called `name` on `device`."""
        import torch

        where = torch.device(device)
        if where.type != "cpu" and ":" not in str(where):  # the current one; it may change later
            where = torch.device(where.type, torch.get_device_module(where).current_device())
        parts = ("torch", _checked(name), str(where))
        found = self._generators.get(parts)
        if found is None:
            found = self._generators[parts] = self.key.child(*parts).torch(where)
        return found

    def numpy(self, name: str) -> np.random.Generator:
        """The `np.random.Generator` called `name`."""
        parts = ("numpy", _checked(name))
        found = self._generators.get(parts)
        if found is None:
            found = self._generators[parts] = self.key.child(*parts).numpy()
        return found

    def python(self, name: str) -> random.Random:
        """The `random.Random` called `name`."""
        parts = ("python", _checked(name))
        found = self._generators.get(parts)
        if found is None:
            found = self._generators[parts] = self.key.child(*parts).python()
        return found

    def child(self, *parts: int | str) -> Streams:
        """Streams of their own for a part of the program, under the same names."""
        return Streams(self.key.child("child", *parts))

    def per_rank(self, rank: int | None = None) -> Streams:
        """This rank's own streams; None: torch.distributed's rank, else the launcher's, else 0."""
        return Streams(self.key.child("rank", checked_rank(rank, "Streams.per_rank")))


def _checked(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"Streams: a stream's name must be a str, got {name!r} ({type(name).__name__})")
    return name
