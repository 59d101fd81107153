"""The progress line of a long run: which run, steps done, steps a second.

One line, rewritten in place on the standard error; nothing at all where that is
not a terminal, and nothing in the first seconds, so short runs stay quiet.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, TextIO

#: Seconds of a run before the line appears, and between two rewritings of it.
_QUIET: Final = 2.0
_PERIOD: Final = 0.5


class ProgressLine:
    """Called by launch as `line(run, runs, steps)` whenever it likes; run counts from 1."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._run = 0
        self._started = 0.0
        self._shown = 0.0
        self._width = 0

    def __call__(self, run: int, runs: int, steps: int) -> None:
        now = self._clock()
        if run != self._run:
            self._run, self._started, self._shown = run, now, 0.0
        seconds = now - self._started
        if seconds < _QUIET or now - self._shown < _PERIOD:
            return
        self._shown = now
        self._write(f"run {run} of {runs}: {steps:,} steps, {steps / seconds:.1f} steps/s")

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._width:
            self._write("")
            self._stream.write("\r")
            self._stream.flush()

    def _write(self, text: str) -> None:
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()
        self._width = len(text)


class NoProgress:
    """Where nobody watches."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def progress_line() -> ProgressLine | NoProgress:
    """A line if the standard error is a terminal."""
    return ProgressLine(sys.stderr) if sys.stderr.isatty() else NoProgress()
