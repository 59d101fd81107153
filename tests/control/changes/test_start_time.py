"""The clock ahead, for Python, C and children; what waits until a time of day does not wait a year."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from samebits.control import changes
from samebits.control.changes.start_time import AHEAD, built

PROGRAM = """
import ctypes, json, multiprocessing, subprocess, sys, threading, time
libc = ctypes.CDLL(None)
libc.time.restype = ctypes.c_long
began = time.monotonic()
lock = multiprocessing.Semaphore(0)
lock.acquire(timeout=0.05)
threading.Lock().acquire(timeout=0.05)
threading.Condition().acquire()
words = [sys.executable, "-c", "import time; print(time.time())"]
child = subprocess.run(words, capture_output=True, text=True)
print(json.dumps({
    "time": time.time(), "ns": time.time_ns() / 1e9, "c": libc.time(None), "child": float(child.stdout),
    "waited": time.monotonic() - began,
}))
"""


@pytest.mark.skipif(built() is None, reason="no compiler, or no Linux")
def test_every_clock_of_the_day_is_ahead() -> None:
    variables = os.environ | changes.environment(["start-time"], os.environ)
    now = time.time()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    found = json.loads(done.stdout)
    assert found.pop("waited") < 90
    for name, value in found.items():
        assert AHEAD - 2 <= value - now < AHEAD + 100, name


def test_without_the_library_pythons_own_clock_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMEBITS_CLOCK_STARTED", repr(time.time()))
    now = time.time()
    undo = changes.install(["start-time"])
    try:
        assert time.time() - now >= AHEAD
        assert time.time_ns() / 1e9 - now >= AHEAD
    finally:
        undo()
    assert time.time() - now < AHEAD / 2
