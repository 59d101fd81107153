"""The progress line of what takes long: of a verification which run, steps done, steps a second.

One line, rewritten in place on the standard error; nothing at all where that is
not a terminal, and nothing in the first seconds, so what is short stays quiet.  Only where the
program's own output is kept apart: `record` and `run` leave the terminal to the program, whose bars a line of
ours would overwrite.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Final, Self, TextIO

#: Seconds of a run before the line appears, and between two rewritings of it.
_QUIET: Final = 2.0
_PERIOD: Final = 0.5


class _Line:
    """One line of a terminal, rewritten in place and taken away at the end."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._width:
            self._write("")
            with suppress(OSError):
                self._stream.write("\r")
                self._stream.flush()

    def _write(self, text: str) -> None:
        with suppress(OSError):  # the terminal may be gone
            self._stream.write("\r" + text.ljust(self._width))
            self._stream.flush()
        self._width = len(text)


class ProgressLine(_Line):
    """Called by launch as `line(run, runs, steps)` whenever it likes; run counts from 1."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream, clock)
        self._run = 0
        self._started = 0.0
        self._shown = 0.0
        self._first: tuple[float, int] | None = None  # when steps were first seen, and how many

    def __call__(self, run: int, runs: int, steps: int) -> None:
        now = self._clock()
        if run != self._run:
            self._run, self._started, self._shown, self._first = run, now, 0.0, None
        if steps and self._first is None:
            self._first = (now, steps)
        seconds = now - self._started
        if seconds < _QUIET or now - self._shown < _PERIOD:
            return
        self._shown = now
        if steps == 0:  # it imports, reads its data, compiles
            self._write(f"run {run} of {runs}: starting, no step yet, {seconds:.0f} s")
        else:
            self._write(f"run {run} of {runs}: {steps:,} steps, {self._speed(now, steps):.1f} steps/s")

    def _speed(self, now: float, steps: int) -> float:
        """Steps a second since the first were seen: the start is no part of it."""
        if self._first is None or now <= self._first[0]:
            self._first = self._first or (now, steps)
            return steps / max(now - self._started, 1e-9)
        return (steps - self._first[1]) / (now - self._first[0])


class TrialsLine(_Line):
    """Runs one after the other, each with something changed: what is tried, and the time left.

    Called as `line(run, runs, steps, seconds, what)`: run counts from 1, and there are at most so many runs;
    the seconds that are left, or None: as many as the runs before took.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream, clock)
        self._began = clock()
        self._run = 0
        self._shown = 0.0

    def __call__(self, run: int, runs: int, steps: int, seconds: float | None = None, what: str = "") -> None:
        now = self._clock()
        if run != self._run:
            self._run, self._shown = run, 0.0
        if now - self._began < _QUIET or now - self._shown < _PERIOD:
            return
        self._shown = now
        left = ""
        if seconds is not None:
            left = f", about {spoken(seconds)} left"
        elif run > 1:
            left = f", at most {spoken((now - self._began) / (run - 1) * (runs - run + 1))} left"
        of = f"{runs}, {what}" if what else f"{runs}"
        self._write(f"run {run} of {of}: {steps:,} steps{left}")


def spoken(seconds: float) -> str:
    """ "40 s", "6 min", "2.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


class MatrixLine(_Line):
    """The line of many runs: how many are done, which are under way, and how long it will take."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream, clock)
        self._started = self._shown = 0.0
        self._total = 0
        self._each = 0.0
        self._jobs = 1

    def begin(self, total: int, each: float, jobs: int) -> None:
        """``total`` runs of about ``each`` seconds, ``jobs`` at once, begin now."""
        self._total, self._each, self._jobs, self._started = total, each, max(1, jobs), self._clock()

    def __call__(self, rows: Sequence[Any], running: Mapping[str, int]) -> None:
        now = self._clock()
        if now - self._started < _QUIET or now - self._shown < _PERIOD:
            return
        self._shown = now
        done = len(rows)
        spent = now - self._started
        each = spent * self._jobs / done if done > self._jobs else self._each
        left = max(0.0, self._total * each / self._jobs - spent)
        under_way = ", ".join(f"{name} {steps:,}" if steps else name for name, steps in running.items())
        self._write(f"{done} of {self._total} changes, {spoken(left)} left: {under_way or 'starting'}")


class FilesLine(_Line):
    """Called as `line(done, total)`: so many files of all are read."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream, clock)
        self._began = clock()
        self._shown = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = self._clock()
        if now - self._began < _QUIET or now - self._shown < _PERIOD:
            return
        self._shown = now
        self._write(f"{done:,} of {total:,} files are read")


class NoProgress:
    """Where nobody watches."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def progress_line(*, quiet: bool = False) -> ProgressLine | NoProgress:
    """A line if the standard error is a terminal, and it is not to stay quiet."""
    return ProgressLine(sys.stderr) if sys.stderr.isatty() and not quiet else NoProgress()


def trials_line(*, quiet: bool = False) -> TrialsLine | NoProgress:
    """The same for several runs, each with something changed."""
    return TrialsLine(sys.stderr) if sys.stderr.isatty() and not quiet else NoProgress()


def matrix_line(*, quiet: bool = False) -> MatrixLine | NoProgress:
    """The same for many runs, several at once."""
    return MatrixLine(sys.stderr) if sys.stderr.isatty() and not quiet else NoProgress()


def files_line(*, quiet: bool = False) -> FilesLine | NoProgress:
    """The same for files that are read."""
    return FilesLine(sys.stderr) if sys.stderr.isatty() and not quiet else NoProgress()


@contextmanager
def busy(what: str, *, quiet: bool = False) -> Iterator[None]:
    """While it lasts, a line says after two seconds what is being done and for how long."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    began = time.monotonic()

    def tell() -> None:
        wait = _QUIET
        while not done.wait(wait):
            wait = _PERIOD
            with suppress(OSError, ValueError):
                sys.stderr.write(f"\r\x1b[K{what}: {time.monotonic() - began:.0f} s")
                sys.stderr.flush()

    teller = threading.Thread(target=tell, name="samebits-progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
        if time.monotonic() - began >= _QUIET:
            with suppress(OSError, ValueError):
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
