"""DataLoaders without a generator are given one, and their workers are seeded in full.

Without one a loader takes its order, and a number for its workers even where it
has none, from torch's global generator: a loader more for validation then shifts the
training order (https://github.com/pytorch/pytorch/issues/80119).  Here each loader has
a stream of its own, by its number in the order of creation.

The stream also depends on how torch's global generator was seeded, and starts
anew when that is seeded anew: a script that calls `torch.manual_seed(seed + epoch)`,
or is run for several seeds of its own, gets the orders that it asks for.

What the user gives is kept, generator and `worker_init_fn` each by itself.
`DataLoader.__init__` is wrapped and the class stays what it is, since libraries
subclass it, ask `isinstance`, read its signature and create loaders again from the
attributes of others (Lightning, accelerate): a generator that was given here is then passed on.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from collections import Counter
from collections.abc import Callable, MutableMapping
from types import ModuleType
from typing import Any

from samebits._runtime.patcher import Patcher
from samebits.control.process_key import ProcessKey, worker_seed
from samebits.seeding.derive import Key

#: The loaders of this process, for its workers; None without control.
_current: Loaders | None = None


class Loaders(Patcher):
    """Wraps `DataLoader` while control lasts."""

    def __init__(self, process_key: ProcessKey, reseed: Callable[[int], None]) -> None:
        """`reseed` seeds every generator of a worker's process from a number."""
        super().__init__()
        self.process_key = process_key
        self.reseed = reseed
        self._reseeded = 0  # how often the program seeded torch's global generator
        self._numbers: Counter[tuple[int, int]] = Counter()
        # generator -> the loader's number, and how torch was seeded when the generator was
        self._given: MutableMapping[Any, tuple[int, tuple[int, int]]] = weakref.WeakKeyDictionary()

    def install(self, torch: ModuleType) -> None:
        """To be called once torch is there."""
        global _current
        _current = self
        self._torch = torch
        if not torch.Generator.__weakrefoffset__:  # of torch 2.11: they are kept
            self._given = {}
        self._wrap(torch.utils.data.DataLoader)
        # A DataLoader whose __init__ does not call DataLoader's.
        self._after(
            "torchdata.stateful_dataloader.stateful_dataloader",
            lambda module: self._wrap(module.StatefulDataLoader),
        )

    def uninstall(self) -> None:
        global _current
        if _current is self:
            _current = None
        super().uninstall()

    def torch_reseeded(self) -> None:
        """The program seeded torch's global generator: loaders start anew."""
        self._reseeded += 1

    # -- streams -----------------------------------------------------------------------------------
    def _seeding(self) -> tuple[int, int]:
        """How torch's global generator is seeded: the seed, and which seeding it was."""
        return int(self._torch.default_generator.initial_seed()) % 2**64, self._reseeded

    def _key(self, number: int, seeding: tuple[int, int]) -> Key:
        return Key(self.process_key.seed, ("control", "loader", seeding[0], number))

    def _new(self) -> Any:
        """A generator for the next loader."""
        seeding = self._seeding()
        number = self._numbers[seeding]
        self._numbers[seeding] += 1
        generator = self._key(number, seeding).torch()
        self._given[generator] = number, seeding
        return generator

    def _renew(self, generator: Any) -> None:
        """Before an epoch: if torch was seeded anew since, so is a generator of ours."""
        number, seeding = self._given.get(generator, (None, None))
        now = self._seeding()
        if number is not None and seeding != now:
            generator.set_state(self._key(number, now).torch().get_state())
            self._given[generator] = number, now

    # -- the class ---------------------------------------------------------------------------------
    def _wrap(self, kind: type[Any]) -> None:
        if not self._alive:
            return
        make: Any = kind.__dict__["__init__"]
        start: Any = kind.__dict__["__iter__"]
        signature = inspect.signature(make)

        @functools.wraps(make)
        def __init__(loader: Any, *args: Any, **kwargs: Any) -> Any:
            if self._alive:
                try:
                    bound = signature.bind(loader, *args, **kwargs)
                except TypeError:
                    pass  # the original says it
                else:
                    if bound.arguments.get("generator") is None:
                        bound.arguments["generator"] = self._new()
                    if bound.arguments.get("worker_init_fn") is None:
                        bound.arguments["worker_init_fn"] = seed_worker
                    if "in_order" in signature.parameters:
                        bound.arguments["in_order"] = True  # see `result_order`
                    return make(*bound.args, **bound.kwargs)
            return make(loader, *args, **kwargs)

        @functools.wraps(start)
        def __iter__(loader: Any) -> Any:
            if self._alive and getattr(loader, "generator", None) is not None:
                self._renew(loader.generator)
            return start(loader)

        self._replace(kind, "__init__", __init__)
        self._replace(kind, "__iter__", __iter__)


def seed_worker(worker_id: int) -> None:
    """A `worker_init_fn`: every generator of a worker, from the seed that its loader gives it.

    torch itself seeds its own generator, of which it keeps 32 bits, Python's and numpy's; here each
    starts on a stream of its own, and libraries' generators with them.
    """
    if _current is not None and worker_seed() is not None:
        _current.reseed(_current.process_key.key("generators").integer(128))
