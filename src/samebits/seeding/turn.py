"""Whose turn it is: one thread at a time sets or reads the process-wide generators as a whole.

They are one for all threads.  While one is inside `isolated()` or `preserved()`,
another that enters, captures or restores waits: it would take the streams of
the inside for those of the outside.  What merely draws is not held up, so a
thread that draws while another is inside draws from the inside's streams.

A child that is forked while another thread holds the turn would wait for a
thread that it does not have, so there the turn is free at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from samebits._runtime import forks
from samebits.seeding.adapters import StateError

#: Seconds to wait for the turn before it is taken for a deadlock.
PATIENCE: Final = 60.0


class Turn:
    """A lock of one thread, which may acquire it again, that knows who has it.

    Args:
        inside: what its holder is inside of, for the text of an error.
        patience: seconds to wait before it is taken for a deadlock; None: `PATIENCE`.
    """

    def __init__(self, inside: str, patience: float | None = None) -> None:
        self._inside, self._patience = inside, patience
        self._lock = threading.RLock()
        self._holder: threading.Thread | None = None
        self._depth = 0

    def acquire(self, caller: str) -> None:
        """Wait for the turn.

        Raises:
            StateError: another thread kept it for longer than is waited.
        """
        patience = PATIENCE if self._patience is None else self._patience
        if not self._lock.acquire(timeout=patience):
            holder = self._holder
            name = "another thread" if holder is None else f"the thread {holder.name!r}"
            ended = "" if holder is None or holder.is_alive() else ", which has ended,"
            raise StateError(
                f"{caller}: {name}{ended} has been inside {self._inside} for {patience:g} "
                "seconds; the generators belong to the whole process, so only one thread can be. Let it "
                "leave first, or call this in that thread."
            )
        self._holder = threading.current_thread()
        self._depth += 1

    def release(self) -> None:
        """End one `acquire` of this thread."""
        self._depth -= 1
        if not self._depth:
            self._holder = None
        self._lock.release()

    def is_mine(self) -> bool:
        return self._holder is not None and self._holder.ident == threading.get_ident()

    @contextmanager
    def held(self, caller: str) -> Iterator[None]:
        self.acquire(caller)
        try:
            yield
        finally:
            self.release()

    def after_fork(self) -> None:
        # Whatever the depth says: a fork may lie between taking the lock and counting it.
        if not self.is_mine():
            self.__init__(self._inside, self._patience)  # type: ignore[misc]


turn: Final = Turn("isolated() or preserved()")
forks.register(after_in_child=turn.after_fork)
