"""The clock of the day a year and some hours ahead, as long as the program runs.

On Linux a small library is loaded before the C library's (LD_PRELOAD): Python, numpy and every library in C
or C++ read the other time.  Elsewhere, and where there is no compiler, Python's own `time.time` and
`time.time_ns` alone do, and that is said.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from samebits._runtime import native, patcher
from samebits._runtime.native import BuildError, Library, Unit
from samebits.control import told
from samebits.control.change import Change

_NATIVE: Final = Path(__file__).parent / "native" / "clock.c"
_VARIABLE: Final = "SAMEBITS_CLOCK_AHEAD"
#: A year, five hours, seventeen minutes and eleven seconds: another hour, day, year and minute.
AHEAD: Final = ((365 * 24 + 5) * 60 + 17) * 60 + 11
#: By more than this the clock is ahead of what the launcher's was, if the library is there.
_HALF: Final = AHEAD // 2
_STARTED: Final = "SAMEBITS_CLOCK_STARTED"


def library() -> Library:
    """What is loaded before the C library."""
    flags = ("-std=gnu11", "-O2", "-fPIC", "-w")
    return Library(
        name="clock",
        title="the library that sets the clock ahead",
        language=native.C,
        sources=(_NATIVE,),
        units=(Unit(_NATIVE),),
        flags=flags,
        links=("-ldl", "-lpthread"),
        parts=(flags, platform.machine(), sys.platform),
        suffix=".so",
    )


def built() -> Path | None:
    """The library, compiled if it is not there yet; None where that cannot be."""
    if not sys.platform.startswith("linux"):
        return None
    shifted = library()
    try:
        return native.find(shifted.file()) or shifted.build()
    except BuildError:
        return None


def _other(variables: Mapping[str, str]) -> Mapping[str, str]:
    changed = {_VARIABLE: str(AHEAD), _STARTED: repr(time.time())}
    if (path := built()) is not None:
        given = variables.get("LD_PRELOAD", "")
        changed["LD_PRELOAD"] = f"{path}:{given}" if given else str(path)
    return changed


def _install() -> Callable[[], None]:
    started = float(os.environ.get(_STARTED, "nan"))
    if time.time() - started > _HALF:
        told.tell("start-time", f"{AHEAD:,} s ahead", "")
        return lambda: None
    told.tell("start-time", f"{AHEAD:,} s ahead in Python's time.time() alone", "")
    seconds, nanoseconds = time.time, time.time_ns
    ends = [
        patcher.replace(time, "time", lambda: seconds() + AHEAD),
        patcher.replace(time, "time_ns", lambda: nanoseconds() + AHEAD * 10**9),
    ]

    def undo() -> None:
        for end in ends:
            end()

    return undo


CHANGES = (
    Change(
        name="start-time",
        what="the clock a year and some hours ahead",
        why="the time of day reaches a result, as a seed, a name or a limit: take it from the configuration.",
        variables=_other,
        install=_install,
        tells=True,
        cause="wall-clock",
    ),
)
