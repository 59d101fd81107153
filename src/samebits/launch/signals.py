"""The signals that samebits gets while a program runs: each is noted, and the program gets it in its place.

A signal that is ignored stays so (`nohup`, a background job): samebits, and the program, see nothing of it.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Final

from samebits.launch import keeper

#: Those that ask samebits itself to end, once the program has.
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
#: Those that come twice where `timeout` or a resource manager signals a process and then its group ...
_TWICE: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_TOGETHER: Final = 0.2  # ... within so many seconds; a person who interrupts twice means it twice


class Interrupted(KeyboardInterrupt):
    """A signal, ``number``, asked for an end; the program has ended, and its run says so."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class Signals:
    """What came, in order; `drain` returns each once."""

    def __init__(self) -> None:
        self._waiting: list[int] = []
        self._came: dict[int, float] = {}  # when the last that counted came, of those that come twice
        self.ending: int | None = None  # the first signal that asks for an end
        self.interrupts = 0

    def note(self, number: int, frame: FrameType | None) -> None:
        if number in _TWICE:
            now = time.monotonic()
            if now - self._came.get(number, -math.inf) < _TOGETHER:
                return
            self._came[number] = now
        self._waiting.append(number)
        if number in ENDING and self.ending is None:
            self.ending = number
        if number == signal.SIGINT:
            self.interrupts += 1

    def drain(self) -> list[int]:
        waiting, self._waiting = self._waiting, []
        return waiting


@contextlib.contextmanager
def noted() -> Iterator[Signals]:
    """While it lasts signals wait in what it yields.  Outside of the main thread none is seen."""
    seen = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield seen
        return
    before = {}
    try:
        for number in keeper.PASSED:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, seen.note)
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def interrupting() -> Iterator[None]:
    """While it lasts, what asks samebits to end raises `Interrupted`: what is known is shown then.

    Where a program runs, `noted` comes first.  Outside of the main thread nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number)

    before = {}
    try:
        for number in ENDING:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, end)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
