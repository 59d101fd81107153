"""A script of the corpus in a folder of its own, started as often as is wanted, and killed.

A run is a fresh interpreter, or, where `preload` was called, a fork of this process, which has imported
torch: that spares the seconds that importing takes, and a run then shares this process's hash seed.  In both
a run is a session of its own, so that its workers are killed with it.
"""

from __future__ import annotations

import importlib
import os
import random
import re
import runpy
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import corpus

# What the caller's shell may set and the runs must not see.
CLEARED = ("PYTHONHASHSEED", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "ATEN_CPU_CAPABILITY")
PRELOADED = (
    "torch", "torch._dynamo", "torch.optim.swa_utils", "numpy", "sklearn.datasets", "lightning",
    "lightning.pytorch.callbacks", "transformers", "transformers.trainer", "datasets", "accelerate",
    "samebits.data",
)  # fmt: skip
LIMIT = 240  # seconds of one run, on a busy machine
POLL = 0.005  # seconds between two looks at the folder, and at a forked run

_forks = False


class RunFailed(Exception):
    """A run ended without a fingerprint."""


class TooLate(Exception):
    """The run ended before the moment it was to be killed at."""


def preload() -> None:
    """Import here what the scripts import, and fork for each run from now on."""
    global _forks
    for name in CLEARED:
        os.environ.pop(name, None)
    for name in PRELOADED:
        with suppress(ModuleNotFoundError):
            importlib.import_module(name)
    _forks = True


class Run:
    """One running script."""

    def __init__(self, script: str, words: list[str], folder: Path, printed: Path) -> None:
        self.code: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        if _forks:
            self.pid = _forked(script, words, folder, printed)
            return
        environment = {k: v for k, v in os.environ.items() if k not in CLEARED}
        with printed.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, script, *words],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def ended(self) -> bool:
        """Whether it has; it is not reaped before `kill`, so that its number stays its own."""
        if self.code is None:
            seen = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if seen is not None:
                self.code = seen.si_status if seen.si_code == os.CLD_EXITED else -seen.si_status
        return self.code is not None

    def wait(self) -> int:
        """Its exit code.

        Raises:
            RunFailed: it takes too long.
        """
        deadline = time.monotonic() + LIMIT
        while not self.ended():
            if time.monotonic() > deadline:
                raise RunFailed(f"still running after {LIMIT} s")
            time.sleep(POLL)
        assert self.code is not None
        return self.code

    def kill(self) -> None:
        """End it and its workers with SIGKILL, whatever they do, and reap it."""
        with suppress(ProcessLookupError):  # a fork that has no session yet
            os.killpg(self.pid, signal.SIGKILL)
        os.kill(self.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        else:
            os.waitpid(self.pid, 0)


def _forked(script: str, words: list[str], folder: Path, printed: Path) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setsid()
        os.chdir(folder)
        output = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        code = _executed(script, words, folder)
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _executed(script: str, words: list[str], folder: Path) -> int:
    """Run the script as `__main__`, with generators that no other run has; its exit code."""
    random.seed()
    importlib.import_module("numpy").random.seed()
    importlib.import_module("torch").seed()
    sys.argv = [script, *words]
    sys.path[0] = str(folder)
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


class Program:
    """A script with its folder."""

    def __init__(self, entry: corpus.Entry, folder: Path, *, mended: bool) -> None:
        self.entry = entry
        self.folder = folder / "work"
        self.folder.mkdir()
        self.printed = folder / "printed.txt"
        entry.copy_to(self.folder, mended=mended)

    @contextmanager
    def started(self, words: list[str]) -> Iterator[Run]:
        """The running script; whatever of its session is left at the end is killed."""
        run = Run(self.entry.script, words, self.folder, self.printed)
        try:
            yield run
        finally:
            run.kill()

    def checkpoints(self) -> list[Path]:
        return list(self.folder.glob(self.entry.checkpoint))

    def await_checkpoint(self, run: Run) -> None:
        """Return when there is a checkpoint, or the run has ended.

        Raises:
            RunFailed: neither comes about.
        """
        deadline = time.monotonic() + LIMIT
        while not self.checkpoints() and not run.ended():
            if time.monotonic() > deadline:
                raise RunFailed(f"no checkpoint {self.entry.checkpoint} within {LIMIT} s")
            time.sleep(POLL)

    def fingerprint(self, run: Run) -> str:
        """Await the end; what the last line says.

        Raises:
            RunFailed: it takes too long, fails, or prints no fingerprint.
        """
        code = run.wait()
        text = self.printed.read_text(errors="replace")
        last = re.search(r"^fingerprint ([0-9a-f]+)\s*\Z", text, re.MULTILINE)
        if code or not last:
            raise RunFailed(f"exit {code}: {text[-800:]}")
        return last[1]

    def kill_after(self, moment: float) -> None:
        """Run, and kill `moment` seconds after the first checkpoint.

        Raises:
            TooLate: it had ended by then.
            RunFailed: there was no checkpoint.
        """
        with self.started([]) as run:
            self.await_checkpoint(run)
            time.sleep(moment)
            if run.ended():
                raise TooLate

    def resume(self) -> str:
        """Start it with its resume words; the fingerprint it ends with.

        Raises:
            RunFailed: it takes too long, fails, or prints no fingerprint.
        """
        with self.started(self.entry.words) as run:
            return self.fingerprint(run)


@contextmanager
def fresh(entry: corpus.Entry, *, mended: bool) -> Iterator[Program]:
    """The script in a new folder, which is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="resume-", ignore_cleanup_errors=True) as name:
        yield Program(entry, Path(name), mended=mended)
