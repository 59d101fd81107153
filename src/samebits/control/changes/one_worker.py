"""Pools of threads with one thread: what tasks draw, or write to what they share, comes in one order."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from samebits._runtime.patcher import Patcher
from samebits.control.change import Change


class OneWorker(Patcher):
    """Gives each `ThreadPoolExecutor` and `ThreadPool` that is made from now on one thread."""

    def install(self) -> Callable[[], None]:
        self._after("concurrent.futures.thread", self._executors)
        self._after("multiprocessing.pool", self._pools)
        return self.uninstall

    def _executors(self, module: ModuleType) -> None:
        self._made(module.ThreadPoolExecutor, "max_workers")

    def _pools(self, module: ModuleType) -> None:
        self._made(module.ThreadPool, "processes")

    def _made(self, kind: Any, parameter: str) -> None:
        make: Callable[..., None] = kind.__init__

        @functools.wraps(make)
        def __init__(pool: Any, *args: Any, **kwargs: Any) -> None:
            if self._alive:  # the number comes first
                kwargs.pop(parameter, None)
                args = (1, *args[1:])
            make(pool, *args, **kwargs)

        self._replace(kind, "__init__", __init__)


CHANGES = (
    Change(
        name="one-worker",
        what="pools of threads have one thread",
        install=lambda: OneWorker().install(),
        mends=True,
    ),
)
