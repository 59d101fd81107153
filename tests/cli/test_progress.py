"""The progress line: quiet at first, then one line rewritten in place, gone at the end."""

from __future__ import annotations

import io
import sys
import threading

import pytest

from samebits.cli import _progress
from samebits.cli._progress import NoProgress, ProgressLine, progress_line


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_long_run() -> None:
    stream, clock = io.StringIO(), Clock()
    with ProgressLine(stream, clock) as line:
        line(1, 2, 0)
        clock.now += 1
        line(1, 2, 0)
        assert stream.getvalue() == ""
        clock.now += 3
        line(1, 2, 0)
        assert stream.getvalue() == "\rrun 1 of 2: starting, no step yet, 4 s"
        clock.now += 1
        line(1, 2, 200)
        clock.now += 4
        line(1, 2, 1200)
        assert stream.getvalue().split("\r")[3].rstrip() == "run 1 of 2: 1,200 steps, 250.0 steps/s"
        line(1, 2, 1201)  # too soon to be rewritten
        assert stream.getvalue().count("\r") == 3
        clock.now += 1
        line(2, 2, 5)  # the second run begins quietly
        clock.now += 2
        line(2, 2, 15)
    assert stream.getvalue().split("\r")[4].rstrip() == "run 2 of 2: 15 steps, 5.0 steps/s"
    assert stream.getvalue().endswith("\r")


def test_a_short_run_is_quiet() -> None:
    stream = io.StringIO()
    with ProgressLine(stream, Clock()) as line:
        line(1, 2, 1)
    assert stream.getvalue() == ""


def test_quiet_where_nobody_watches() -> None:
    quiet = progress_line()
    assert isinstance(quiet, NoProgress)
    with quiet as line:
        assert line is None


class Watched(io.StringIO):
    """A terminal, and whether something has been written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        done = super().write(text)
        self.told.set()
        return done


def test_what_takes_long_says_so_and_wipes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Watched()
    monkeypatch.setattr(_progress, "_QUIET", 0.0)
    monkeypatch.setattr(sys, "stderr", stream)
    with _progress.busy("reading"):
        assert stream.told.wait(60)
    assert stream.getvalue().startswith("\r\x1b[Kreading: 0 s")
    assert stream.getvalue().endswith("\r\x1b[K")
    assert not any(thread.name == "samebits-progress" for thread in threading.enumerate())


@pytest.mark.parametrize("quiet", [False, True])
def test_nothing_is_said_where_nobody_watches(monkeypatch: pytest.MonkeyPatch, quiet: bool) -> None:
    """In a pipe, or where it is to be quiet; nor of what is short."""
    for stream in (Watched() if quiet else io.StringIO(), Watched()):
        monkeypatch.setattr(sys, "stderr", stream)
        with _progress.busy("reading", quiet=quiet):
            pass
        assert stream.getvalue() == ""
