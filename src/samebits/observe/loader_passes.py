"""What is noted of DataLoaders: their passes, who makes the samples, and which batches are trained on.

Whether draws may be equal depends on who draws: workers of one pass should differ, and an evaluation may draw
alike on purpose.  So a pass is a fact, with the first of its workers; a worker says when it begins to make
samples, which is after its `worker_init_fn`; and a draw in the process that iterates says for which loader's
samples it is made.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, MutableMapping
from types import ModuleType
from typing import Any, Final
from weakref import WeakKeyDictionary

from samebits._runtime.patcher import Patcher
from samebits.model import facts
from samebits.model.sites import Site
from samebits.observe.session import Session
from samebits.usercode import drawn

#: Passes of one loader that are noted.
_PASSES: Final = 256


class LoaderPasses(Patcher):
    """The DataLoaders of one process."""

    def __init__(self, session: Session, observer: ModuleType) -> None:
        super().__init__()
        self._session = session
        self._observer = observer
        self._numbers: MutableMapping[Any, dict[Site | None, int]] = (
            WeakKeyDictionary()
        )  # of a loader, by line
        self._iterators: MutableMapping[Any, int] = WeakKeyDictionary()
        self._fetchers: MutableMapping[Any, int] = WeakKeyDictionary()
        self._passes: Counter[int] = Counter()
        self._marked = False
        self._begin()

    def _begin(self) -> None:
        self._fresh: set[int] = set()  # loaders that gave a batch since the last backward
        self._met: set[int] = set()  # those of whose last batch, or of the one before, there was a backward
        self._followed: set[int] = set()
        self._trained: set[int] = set()

    def install(self) -> None:
        from torch.utils.data import dataloader
        from torch.utils.data._utils import fetch

        self._around(dataloader._SingleProcessDataLoaderIter, "__init__", self._started)
        self._around(dataloader._MultiProcessingDataLoaderIter, "__init__", self._started)
        self._around(dataloader._MultiProcessingDataLoaderIter, "_reset", self._again)
        self._around(dataloader._DatasetKind, "create_fetcher", self._fetcher)
        self._around(fetch._MapDatasetFetcher, "fetch", self._fetch)
        self._after("torchdata.stateful_dataloader.stateful_dataloader", self._stateful)
        if self._session.key.is_child:
            self._session.draws.watch()

    def _stateful(self, module: Any) -> None:
        self._around(module._StatefulSingleProcessDataLoaderIter, "__init__", self._started)
        self._around(module._StatefulMultiProcessingDataLoaderIter, "__init__", self._started)

    def after_fork(self) -> None:
        """In a forked child."""
        self._begin()
        self._marked = False
        self._session.draws.watch()

    # -- passes ------------------------------------------------------------------------------------
    def _started(
        self, original: Callable[..., Any], iterator: Any, loader: Any, *args: Any, **kw: Any
    ) -> Any:
        if self._session.ended:
            return original(iterator, loader, *args, **kw)
        original(iterator, loader, *args, **kw)
        number = self._begun(iterator, loader, getattr(iterator, "_workers", ()))
        fetcher = getattr(iterator, "_dataset_fetcher", None)
        if fetcher is not None:
            self._fetchers[fetcher] = number
        return None

    def _again(
        self, original: Callable[..., Any], iterator: Any, loader: Any, first_iter: bool = False, *args: Any
    ) -> Any:
        """Persistent workers begin another pass."""
        value = original(iterator, loader, first_iter, *args)
        if not first_iter and iterator in self._iterators and not self._session.ended:
            self._begun(iterator, loader, ())
        return value

    def _begun(self, iterator: Any, loader: Any, workers: Any) -> int:
        """A pass has begun: a loader that two lines iterate over may be trained on at one of them."""
        site = drawn.here()
        number = self._numbers.setdefault(loader, {}).setdefault(site, len(self._passes) + 1)
        self._passes[number] += 1
        self._iterators[iterator] = number
        for marks in (self._fresh, self._met, self._followed):
            marks.discard(number)
        if self._passes[number] <= _PASSES:
            first = workers[0].name if workers else None
            self._session.fact(facts.LoaderPass(loader=number, n=len(workers), first=first), site)
        return number

    def batch(self, iterator: Any) -> None:
        """A batch was taken."""
        number = self._iterators.get(iterator)
        if number is None or number in self._trained:
            return
        was_met = number in self._met
        (self._followed.add if was_met else self._followed.discard)(number)
        self._met.discard(number)
        self._fresh.add(number)

    def backward(self) -> None:
        """A backward begins."""
        for number in self._fresh:
            self._met.add(number)
            if number in self._followed:
                self._trained.add(number)
                self._session.fact(facts.LoaderTrained(loader=number), None)
        self._fresh.clear()

    # -- samples -----------------------------------------------------------------------------------
    def _fetcher(self, original: Callable[..., Any], kind: Any, *args: Any, **kwargs: Any) -> Any:
        worker = sys.modules["torch.utils.data._utils.worker"]._worker_info
        if worker is not None and not self._marked and not self._session.ended:
            self._marked = True
            iterable = kind == sys.modules["torch.utils.data"]._DatasetKind.Iterable
            mark = facts.LoaderWorker(number=worker.id, n=worker.num_workers, iterable=iterable)
            drawn.take()
            self._session.draws.take()
            self._session.hold(mark)
        return original(kind, *args, **kwargs)

    def _fetch(self, original: Callable[..., Any], fetcher: Any, *args: Any, **kwargs: Any) -> Any:
        if self._marked:
            try:
                return original(fetcher, *args, **kwargs)
            finally:
                self._session.draws.take()  # at its end it may be killed
        number = self._fetchers.get(fetcher, 0)
        before = drawn.loading(number)
        before_torch = self._observer.loading(number)
        try:
            return original(fetcher, *args, **kwargs)
        finally:
            drawn.loading(before)
            self._observer.loading(before_torch)
