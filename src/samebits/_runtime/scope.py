"""Scopes of the whole process: whoever is in one, everybody is.

torch's switches, its dispatcher and its generators belong to the process, so what changes them for a block of
code changes them for every thread.  A `Stay` is one stay in such a scope: it remembers what stood before it
and puts that back.  One that ends before another that began later (in another thread, or as interleaved
coroutines do) hands what it remembers on to that one, so that the last to end puts back what was there first.

A `Mode` is what such a scope looks like to a user: on from its making until `restore`, for a `with` block, or
for each call of a decorated function.
"""

from __future__ import annotations

import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, ClassVar, Generic, ParamSpec, Self, TypeVar

from samebits._runtime import forks
from samebits._runtime.decorated import decorated

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="Stay")


class Stays(Generic[S]):
    """The stays of one kind of scope, outermost first, and the lock of who changes them."""

    def __init__(self) -> None:
        self.open: list[S] = []
        self.lock = threading.RLock()
        forks.register(after_in_child=self._renew)

    def _renew(self) -> None:
        self.lock = threading.RLock()


class Stay(ABC):
    """One stay in a scope of the process.  Who begins or ends one holds the lock of its kind."""

    stays: ClassVar[Stays[Any]]
    _before: Any

    def _begin(self) -> None:
        self._before = self._prepare()
        self.stays.open.append(self)
        try:
            self._change()
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        place = self.stays.open.index(self)
        del self.stays.open[place]
        if place < len(self.stays.open):
            self._hand_on(self.stays.open[place])
        else:
            self._put_back()

    @abstractmethod
    def _prepare(self) -> Any:
        """Raise what speaks against it, and return what `_put_back` needs; nothing has changed yet."""

    @abstractmethod
    def _change(self) -> None:
        """Change what this scope is about; if that raises, `_put_back` is called."""

    @abstractmethod
    def _put_back(self) -> None:
        """All is as `_before` says.  This stay, the innermost, is no longer among those that are open."""

    def _hand_on(self, later: Any) -> None:
        """`later` began after this one and goes on: it is to put back what this one would have."""
        later._before = self._before


class Mode(Stay):
    """A scope that is on from here on, for a block or for each call of a function."""

    def __init__(self) -> None:
        self._entered = 0
        self._open()

    def _open(self) -> None:
        with self.stays.lock:
            self._begin()

    def restore(self) -> None:
        """End it: what held before it holds again.  Does nothing if it has ended."""
        if sys.is_finalizing():
            return
        with self.stays.lock:
            if self in self.stays.open:
                self._end()

    def __enter__(self) -> Self:
        with self.stays.lock:
            if self not in self.stays.open:
                self._open()
            self._entered += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self.stays.lock:
            self._entered -= 1
            if self._entered == 0:
                self.restore()

    def _decorated(
        self, function: Callable[P, R], made: Callable[[], AbstractContextManager[object]], written: str
    ) -> Callable[P, R]:
        """`function`, each call of which is in a mode of its own; this one, made to decorate, ends."""
        if self._entered == 0:
            self.restore()
        return decorated(function, made, written)
