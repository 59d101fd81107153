"""Whose turn it is with the process-wide generators."""

from __future__ import annotations

import subprocess
import sys

import pytest

FORKS = """
import os, sys, threading
from samebits._runtime import forks
from samebits.seeding.turn import Turn

turn, ended = Turn("a test", patience=2), threading.Event()
forks.register(after_in_child=turn.after_fork)

def take():
    while not ended.is_set():
        with turn.held("thread"):
            pass

thread = threading.Thread(target=take)
thread.start()
sys.setswitchinterval(1e-6)
failed = 0
for _ in range(150):
    child = os.fork()
    if not child:
        try:
            with turn.held("child"):
                os._exit(0)
        except BaseException:
            os._exit(1)
    failed += os.waitpid(child, 0)[1] != 0
    if failed:
        break
ended.set()
thread.join()
print(failed)
"""


@pytest.mark.slow
def test_a_child_forked_at_any_moment_has_its_turn() -> None:
    """The holder's lock and its count are not one step: the fork may fall between them."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == "0", done.stderr
