"""A program that waits for a process which `--steps` has stopped.

Each process ends by itself after its last step (`leave`).  One that waits for its work need not notice: the
job of a worker of `multiprocessing.Pool` that is gone never returns.  So a process leaves a mark when it
stops, and once there is one, a program of which no process computes anything any more is interrupted.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from samebits.launch import keeper

_MARK: Final = "stopped"
#: A program that computes less than this in so many seconds waits for something that will not come.
_BUSY: Final = 0.2
_IDLE: Final = 10.0


def say_stopped(folder: str) -> None:
    """Leave the mark."""
    with suppress(OSError):
        Path(folder, _MARK).touch()


def has_stopped(folder: str) -> bool:
    """Whether a process of the run has."""
    return os.path.exists(os.path.join(folder, _MARK))


class Stalled:
    """Whether nothing below ``root`` has computed for a while, asked again and again."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._since, self._used = time.monotonic(), -1.0

    def now(self) -> bool:
        now = time.monotonic()
        processes = keeper.descendants(self._root)
        if not processes:  # there is no /proc, or nobody to wait
            return False
        used = sum(map(_seconds, processes))
        # What a process used that has ended since makes the sum smaller: something has happened.
        if not self._used <= used <= self._used + _BUSY:
            self._since, self._used = now, used
        return now - self._since > _IDLE


def _seconds(process: int) -> float:
    """What a process has computed, as the system counts it: in hundredths of a second."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return 0.0
