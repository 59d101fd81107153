"""How DataLoaders make batches: in how many processes, how far ahead, and how long these live.

None of it decides which samples a batch holds.  Random numbers that are drawn in a worker come from a stream
of that worker, so they do depend on it, unless a sample's numbers follow from the sample.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, MutableMapping
from types import ModuleType
from typing import Any, Final

from samebits._runtime.patcher import Patcher
from samebits.control import told
from samebits.control.change import Change

#: What torch takes where none is given, for a loader with workers.
_PREFETCH: Final = 2
_MORE: Final = 3
_WORKERS: Final = 2  # of a loader that had none

#: Changes the arguments of a loader in place, and says what it did; None: there is nothing to change.
Changed = Callable[[MutableMapping[str, Any]], str | None]


class LoaderArguments(Patcher):
    """Changes what DataLoaders are made with."""

    def __init__(self, name: str, change: Changed) -> None:
        super().__init__()
        self._name = name
        self._change = change

    def install(self) -> Callable[[], None]:
        self._after("torch.utils.data.dataloader", lambda module: self._wrap(module.DataLoader))
        # A DataLoader whose __init__ does not call DataLoader's.
        self._after("torchdata.stateful_dataloader.stateful_dataloader", self._stateful)
        return self.uninstall

    def _stateful(self, module: ModuleType) -> None:
        self._wrap(module.StatefulDataLoader)

    def _wrap(self, kind: type[Any]) -> None:
        if not self._alive:
            return
        make: Any = kind.__dict__["__init__"]
        signature = inspect.signature(make)

        @functools.wraps(make)
        def __init__(loader: Any, *args: Any, **kwargs: Any) -> Any:
            if self._alive:
                try:
                    bound = signature.bind(loader, *args, **kwargs)
                except TypeError:
                    pass  # the original says it
                else:
                    if (what := self._change(bound.arguments)) is not None:
                        told.tell(self._name, what)
                    return make(*bound.args, **bound.kwargs)
            return make(loader, *args, **kwargs)

        self._replace(kind, "__init__", __init__)


def _workers(arguments: MutableMapping[str, Any]) -> str | None:
    now = arguments.get("num_workers", 0)
    if not isinstance(now, int) or now < 0:
        return None
    arguments["num_workers"] = now + 1 if now else _WORKERS
    return f"num_workers {now} -> {arguments['num_workers']}"


def _prefetch(arguments: MutableMapping[str, Any]) -> str | None:
    if not arguments.get("num_workers", 0):
        return None
    now = arguments.get("prefetch_factor") or _PREFETCH
    arguments["prefetch_factor"] = now + _MORE
    return f"prefetch_factor {now} -> {now + _MORE}"


def _persistent(arguments: MutableMapping[str, Any]) -> str | None:
    if not arguments.get("num_workers", 0):
        return None
    now = bool(arguments.get("persistent_workers", False))
    arguments["persistent_workers"] = not now
    return f"persistent_workers {now} -> {not now}"


def _of_loaders(name: str, what: str, why: str, change: Changed) -> Change:
    return Change(name, what, why=why, install=lambda: LoaderArguments(name, change).install(), tells=True)


CHANGES = (
    _of_loaders(
        "num-workers",
        "one more worker of each DataLoader; two where it had none",
        "a sample's numbers come from the process that makes it: seed them by the sample "
        "(samebits.data.SampleSeeded); an IterableDataset has to share its samples out.",
        _workers,
    ),
    _of_loaders(
        "prefetch",
        "more batches made ahead",
        "a sampler or a dataset draws numbers as batches are asked for: give it a generator of its own.",
        _prefetch,
    ),
    _of_loaders(
        "persistent-workers",
        "workers kept from epoch to epoch, or no longer",
        "a loader draws a number for its workers as they start, and workers keep their streams and caches: "
        "give the loader a generator, and seed samples by epoch and index.",
        _persistent,
    ),
)
