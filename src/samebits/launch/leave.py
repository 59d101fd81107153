"""How a process ends that `--steps` has stopped: it cleans up, and waits for no work that will not come.

The record is closed by then.  What the script does on its way out (a `finally`, a pool's `with` block, exit
functions) is its own business; but a pool waits for tasks that nobody needs any more, and a queue for
consumers that have gone.  So work that waits is cancelled, workers are ended after a while, and a process
that does nothing at all any more is ended, too.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

#: Seconds after the last step in which workers may end by themselves.
_WORKERS: Final = 5.0
#: A process that computes nothing for so many seconds, after that, waits for something that will not come.
_IDLE: Final = 10.0
_BUSY: Final = 0.02  # of a core
_TURN: Final = 0.25
#: Seconds in which other threads of the script may end.
_THREADS: Final = 2.0
#: Modules whose pools tell of themselves alike: a thread a pool, which knows its executor.
_POOLS: Final = (
    "concurrent.futures.process",
    "joblib.externals.loky.process_executor",
    "loky.process_executor",
)


def watch() -> None:
    """From the last step on: see to it that this process ends."""
    threading.Thread(target=_watch, name="samebits end", daemon=True).start()


def _watch() -> None:
    began = time.monotonic()
    still, used = began, time.process_time()
    ended = False
    while True:
        time.sleep(_TURN)
        now, usage = time.monotonic(), time.process_time()
        if not ended and now - began > _WORKERS:
            ended = True
            end_workers()
        if usage - used > _BUSY * _TURN:
            still = now
        used = usage
        if ended and now - still > _IDLE:
            _gone()


def leave() -> None:
    """End this process as Python would, the work that still waits aside.  Does not return."""
    cancel_waiting()
    for call in reversed(
        getattr(threading, "_threading_atexits", [])
    ):  # the pools' own, before exit functions
        with contextlib.suppress(Exception):
            call()
    deadline = time.monotonic() + _THREADS
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, deadline - time.monotonic()))
    atexit._run_exitfuncs()
    _gone()


def _gone() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)


def _executors() -> Iterator[Any]:
    for name in _POOLS:
        module = sys.modules.get(name)
        for thread in list(getattr(module, "_threads_wakeups", ())):
            executor = getattr(thread, "executor_reference", lambda: None)()
            if executor is not None:
                yield executor


def cancel_waiting() -> None:
    """Let no pool begin what it has not begun."""
    for executor in _executors():
        with contextlib.suppress(Exception):
            if "loky" in type(executor).__module__:
                executor.shutdown(wait=False, kill_workers=True)
            else:
                executor.shutdown(wait=False, cancel_futures=True)
    threads = sys.modules.get("concurrent.futures.thread")
    for queue in list(getattr(threads, "_threads_queues", {}).values()):
        with contextlib.suppress(Exception):
            while True:
                item = queue.get_nowait()
                if item is not None:
                    item.future.cancel()


def end_workers() -> None:
    """End the processes of pools and loaders; who waits for one of them goes on."""
    cancel_waiting()
    multiprocessing = sys.modules.get("multiprocessing")
    for process in multiprocessing.active_children() if multiprocessing is not None else ():
        with contextlib.suppress(Exception):
            process.kill()
