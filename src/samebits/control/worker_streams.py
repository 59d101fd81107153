"""Generator objects that a DataLoader's workers get copies of: each worker draws from a stream of its own.

torch seeds the process-wide generators of a worker.  A generator that the dataset, a module of the program
or a library holds is copied with its state, by fork or by pickle, so that all workers of all epochs draw the
same numbers.  Here each starts anew, by the seed that the loader gives the worker, before the program's own
`worker_init_fn`, which has the last word.  If one was drawn from, the first worker to end says so.

Only datasets that are asked for samples by their index: the workers of an iterable one may have to draw
alike, to share out what they shuffled.  Samples of `SampleSeeded` have streams of their own already.
"""

from __future__ import annotations

import functools
import inspect
import mmap
import os
import random
import sys
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Final

from samebits._runtime.patcher import Patcher
from samebits.control import places
from samebits.control.process_key import ProcessKey
from samebits.seeding.derive import Key
from samebits.seeding.discovery import Found, discover_from, set_aside
from samebits.seeding.libraries import seed_libraries
from samebits.seeding.serialization import equal
from samebits.usercode import files
from samebits.usercode.files import Owner

#: Types of which nothing is looked into.
_PLAIN: Final = frozenset(
    {
        type,
        FunctionType,
        BuiltinFunctionType,
        ModuleType,
        str,
        int,
        float,
        bool,
        dict,
        list,
        tuple,
        type(None),
    }
)


class WorkerStreams(Patcher):
    """Wraps what workers run while control lasts."""

    def __init__(self, process_key: ProcessKey) -> None:
        super().__init__()
        self._process_key = process_key
        self._told = mmap.mmap(-1, 1)  # by one process, for all that are forked from this one
        self._libraries: tuple[int, dict[str, Any]] = (
            0,
            {},
        )  # how many modules there were, and what they hold

    def install(self, torch: ModuleType) -> None:
        """To be called once torch is there."""
        self._wrap(sys.modules["torch.utils.data._utils.worker"])
        self._after("torchdata.stateful_dataloader.stateful_dataloader", self._wrap)

    def _wrap(self, module: Any) -> None:
        if not self._alive:
            return
        original: Callable[..., None] = module._worker_loop
        signature = inspect.signature(original)

        @functools.wraps(original)
        def _worker_loop(*args: Any, **kwargs: Any) -> None:
            held = self._started(signature.bind(*args, **kwargs).arguments) if self._alive else []
            before = [each.adapter.capture() for each in held]
            try:
                original(*args, **kwargs)
            finally:
                self._ended(held, before)

        self._replace(module, "_worker_loop", _worker_loop)

    def _started(self, given: dict[str, Any]) -> list[Found]:
        dataset, worker = given["dataset"], int(given["worker_id"])
        key = Key(self._process_key.seed, ("control", "worker", int(given["base_seed"]) % 2**64, worker))
        seed_libraries(key.child("library"))
        if given["dataset_kind"] != sys.modules["torch.utils.data"]._DatasetKind.Map:
            return []
        held = self._held(dataset, given.get("collate_fn"))
        for each in held:
            each.adapter.start(key.child("held", each.name))
        return held

    def _held(self, dataset: Any, collate: Any) -> list[Found]:
        from samebits.data.sample_streams import find
        from samebits.data.samples import SampleSeeded

        if isinstance(dataset, SampleSeeded):
            return []
        own = find({"dataset": dataset, "collate_fn": collate})
        known = {*set_aside(), *(each.adapter.identity for each in own)}
        return [*own, *discover_from(self._of_libraries(), None, known)]

    def _of_libraries(self) -> dict[str, Any]:
        """The generators that variables of installed modules are, or that their objects hold."""
        count, found = self._libraries
        if count == len(sys.modules):
            return found
        found = {}
        kinds = _kinds()
        for module, variables in list(_installed()):
            package = module.partition(".")[0]
            for name, value in list(variables.items()):
                kind = type(value)
                if kind in _PLAIN:
                    continue
                if kind in kinds:
                    found[f"{module}.{name}"] = value
                elif str(kind.__module__).partition(".")[0] == package:
                    for inner, held in list(_attributes(value).items()):
                        if type(held) in kinds:
                            found[f"{module}.{name}.{inner}"] = held
        self._libraries = len(sys.modules), found
        return found

    def _ended(self, held: list[Found], before: list[Any]) -> None:
        pairs = zip(held, before, strict=True)
        drawn = [each.name for each, state in pairs if not equal(each.adapter.capture(), state)]
        if not drawn or self._told[0]:
            return
        self._told[0] = 1
        place = places.place()
        at = f"{place}: " if place else ""
        more = f" and {len(drawn) - 3} more" if len(drawn) > 3 else ""
        sys.stderr.write(
            f"samebits: {at}workers of a DataLoader would have drawn the same numbers from "
            f"{', '.join(drawn[:3])}{more}; each drew from a stream of its own\n"
        )
        sys.stderr.flush()


def _attributes(value: object) -> dict[str, Any]:
    """What an object holds by name; no code of its class is asked, which may answer with anything."""
    try:
        held = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return held if type(held) is dict else {}


def _installed() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, module in list(sys.modules.items()):
        if type(module) is ModuleType:
            file = vars(module).get("__file__")
            if type(file) is str and files.owner(os.fspath(file)) is Owner.INSTALLED:
                found.append((name, vars(module)))
    return found


def _kinds() -> frozenset[type]:
    """The types of generators."""
    kinds: set[type] = {random.Random, sys.modules["torch"].Generator}
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        kinds |= {numpy_random.RandomState, numpy_random.Generator}
    return frozenset(kinds)
