"""Results of workers in the order in which they were asked for, not in that in which they get ready.

`imap_unordered`, `as_completed`, callbacks of `apply_async` and a DataLoader with ``in_order=False`` give the
same results in an order that the system's scheduler decides.  Any order is right for a program that uses
them, so under control it is the order of submission.  A consumer may wait longer for its
first result; that is the price.

`as_completed` is changed for user code alone: a library may use it to take the first of
several answers and stop the others.  Queues that threads fill, and memory that they write to, cannot
be ordered from outside.
"""

from __future__ import annotations

import functools
import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType, ModuleType
from typing import Any, Final

from samebits._runtime.patcher import Patcher
from samebits.control.entropy import STAND_INS
from samebits.usercode import texts

_SERIAL: Final = "_samebits_serial"
_TURNS: Final = "_samebits_turns"


class _Turns:
    """The callbacks of one pool: each is called when those of the tasks before it have been."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a callback may hand out another task
        self._begun = self._next = 0
        self._ready: dict[int, Callable[[], object]] = {}

    def begin(self) -> int:
        with self._lock:
            self._begun += 1
            return self._begun - 1

    def end(self, number: int, callback: Callable[[Any], object] | None, value: Any) -> None:
        """A task has ended: its callback is called, or waits for its turn."""
        with self._lock:
            self._ready[number] = (lambda: None) if callback is None else functools.partial(callback, value)
            while self._next in self._ready:
                call = self._ready.pop(self._next)
                self._next += 1
                call()


class ResultOrder(Patcher):
    """Takes over the four places while control lasts (the DataLoader's lies in `loaders`)."""

    def install(self) -> None:
        self._after("multiprocessing.pool", self._pool)
        self._after("concurrent.futures._base", self._futures)

    def _pool(self, pool: ModuleType) -> None:
        kind = pool.Pool

        @functools.wraps(kind.imap_unordered)
        def imap_unordered(self: Any, func: Any, iterable: Any, chunksize: int = 1) -> Any:
            return kind.imap(self, func, iterable, chunksize)

        apply = kind.apply_async

        @functools.wraps(apply)
        def apply_async(
            self: Any,
            func: Any,
            args: Any = (),
            kwds: Any = None,
            callback: Any = None,
            error_callback: Any = None,
        ) -> Any:
            kwds = {} if kwds is None else kwds
            if callback is None:
                return apply(self, func, args, kwds, callback, error_callback)
            turns: _Turns = vars(self).setdefault(_TURNS, _Turns())
            number = turns.begin()
            called = (functools.partial(turns.end, number, each) for each in (callback, error_callback))
            return apply(self, func, args, kwds, *called)

        self._replace(kind, "imap_unordered", imap_unordered)
        self._replace(kind, "apply_async", apply_async)

    def _futures(self, base: ModuleType) -> None:
        original, make = base.as_completed, base.Future.__init__
        serials = itertools.count()

        @functools.wraps(make)
        def __init__(future: Any) -> None:
            make(future)
            setattr(future, _SERIAL, next(serials))

        @functools.wraps(original)
        def as_completed(fs: Any, timeout: float | None = None) -> Iterator[Any]:
            if self._alive and _asked_by_user():
                return _in_order(base, fs, timeout)
            found: Iterator[Any] = original(fs, timeout)
            return found

        self._replace(base.Future, "__init__", __init__)
        self._replace(base, "as_completed", as_completed)
        package = sys.modules.get("concurrent.futures")
        if package is not None and "as_completed" in vars(package):
            self._replace(package, "as_completed", as_completed)


def _asked_by_user() -> bool:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") in STAND_INS:
        frame = frame.f_back
    return frame is not None and texts.is_user_code(frame.f_code)


def _in_order(base: Any, futures: Any, timeout: float | None) -> Iterator[Any]:
    """`as_completed`, in the order of submission: each future once, when it and all before it are done."""
    end = None if timeout is None else time.monotonic() + timeout
    waiting = list(dict.fromkeys(futures))
    if isinstance(futures, set | frozenset):  # ordered by address
        waiting.sort(key=lambda future: getattr(future, _SERIAL, 0))
    total = len(waiting)
    waiting.reverse()
    while waiting:
        left = None if end is None else max(0.0, end - time.monotonic())
        if not base.wait([waiting[-1]], left).done:
            raise TimeoutError(f"{len(waiting)} (of {total}) futures unfinished")
        yield waiting.pop()
