"""DataLoaders without a generator are given one, and their workers are seeded in full.

Without one a loader takes its order, and a number for its workers even where it
has none, from torch's global generator: a loader more for validation then shifts the
training order (https://github.com/pytorch/pytorch/issues/80119).  Here each loader has
a stream of its own, by the place in user code that makes it and the count there.

Where the program seeds torch's global generator itself (`control.program_seeds`), its loaders are left
alone: they draw from what it seeded, so that a script which repeats by itself keeps its numbers.

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
from samebits.control import places
from samebits.control.process_key import ProcessKey, worker_seed
from samebits.control.program_seeds import ProgramSeeds
from samebits.seeding.derive import Key

#: The loaders of this process, for its workers; None without control.
_current: Loaders | None = None


class Loaders(Patcher):
    """Wraps `DataLoader` while control lasts."""

    def __init__(self, process_key: ProcessKey, seeds: ProgramSeeds, reseed: Callable[[int], None]) -> None:
        """`reseed` seeds every generator of a worker's process from a number."""
        super().__init__()
        self.process_key = process_key
        self.reseed = reseed
        self._seeds = seeds
        self._numbers: Counter[tuple[str, int]] = Counter()
        # generator -> the loader's place and number there, and how torch was seeded by then
        self._given: MutableMapping[Any, tuple[tuple[str, int], int]] = weakref.WeakKeyDictionary()

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

    # -- streams -----------------------------------------------------------------------------------
    def _key(self, made: tuple[str, int], seeding: int) -> Key:
        return Key(self.process_key.seed, ("control", "loader", seeding, *made))

    def _new(self) -> Any:
        """A generator for the next loader of this place."""
        place, seeding = places.key(), self._seeds.initial()
        number = self._numbers[place, seeding]
        self._numbers[place, seeding] += 1
        generator = self._key((place, number), seeding).torch()
        self._given[generator] = (place, number), seeding
        return generator

    def _before_epoch(self, loader: Any) -> None:
        """A generator of ours is taken back if the program has seeded torch, and renewed if control has."""
        generator = getattr(loader, "generator", None)
        if generator is None or generator not in self._given:
            return
        if self._seeds.by_program():
            _take_back(loader, generator)
            return
        made, seeding = self._given[generator]
        if seeding != (now := self._seeds.initial()):
            generator.set_state(self._key(made, now).torch().get_state())
            self._given[generator] = made, now

    def _fill_in(self, arguments: dict[str, Any]) -> None:
        """What a loader is made with, and was not given."""
        generator = arguments.get("generator")
        ours = generator is not None and generator in self._given
        if (generator is None or ours) and self._seeds.by_program():
            arguments["generator"] = None
            if arguments.get("worker_init_fn") is seed_worker:
                arguments["worker_init_fn"] = None
            return
        if generator is None:
            arguments["generator"] = self._new()
        if arguments.get("worker_init_fn") is None:
            arguments["worker_init_fn"] = seed_worker

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
                    self._fill_in(bound.arguments)
                    if "in_order" in signature.parameters:
                        bound.arguments["in_order"] = True  # see `result_order`
                    return make(*bound.args, **bound.kwargs)
            return make(loader, *args, **kwargs)

        @functools.wraps(start)
        def __iter__(loader: Any) -> Any:
            if self._alive:
                self._before_epoch(loader)
            return start(loader)

        self._replace(kind, "__init__", __init__)
        self._replace(kind, "__iter__", __iter__)


def _take_back(loader: Any, generator: Any) -> None:
    """The loader, and the samplers that it made, draw from torch's global generator, as without control."""
    batches = getattr(loader, "batch_sampler", None)
    samplers: list[Any] = [getattr(each, "sampler", None) for each in (loader, batches)]
    for each in (loader, batches, *samplers):
        if getattr(each, "generator", None) is generator:
            each.generator = None
    if getattr(loader, "worker_init_fn", None) is seed_worker:
        loader.worker_init_fn = None


def seed_worker(worker_id: int) -> None:
    """A `worker_init_fn`: every generator of a worker, from the seed that its loader gives it.

    torch itself seeds its own generator, of which it keeps 32 bits, Python's and numpy's; here each
    starts on a stream of its own, and libraries' generators with them.
    """
    if _current is not None and worker_seed() is not None:
        _current.reseed(_current.process_key.key("generators").integer(128))
