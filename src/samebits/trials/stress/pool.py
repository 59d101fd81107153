"""Where trials run, and how many at once: processes here, joblib's backends, or a Slurm array.

Each trial is a process of its own (`trials/stress/task.py`), whoever starts it, and leaves its row in the
folder of the trials.  Nothing here schedules: processes here are started by `concurrent.futures`, elsewhere
by who was asked to.
"""

from __future__ import annotations

import queue
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from samebits.control.changes import CHANGES
from samebits.errors import LaunchError, UsageError
from samebits.trials.stress import task
from samebits.trials.stress.design import Design
from samebits.trials.stress.row import TrialRow, without

#: Called with the rows that are there, and by name the steps that running trials have taken.
Watch = Callable[[Sequence[TrialRow], dict[str, int]], None]
_TURN: Final = 0.25


class Tasks:
    """Trials in processes here, some at a time."""

    def __init__(self, design: Design, jobs: int) -> None:
        self._design = design
        self._jobs = jobs
        self._slots: queue.SimpleQueue[int] = queue.SimpleQueue()
        for slot in range(jobs):
            self._slots.put(slot)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._ending = False
        self.steps: dict[str, int] = {}

    def run(self, names: Sequence[str], watch: Watch) -> bool:
        """Do these trials; whether all were done, or the person interrupted them.

        The rows lie in the design's folder then.
        """
        rows = list(self._design.rows().values())
        done = True
        with ThreadPoolExecutor(self._jobs, thread_name_prefix="samebits-trial") as executor:
            waiting: set[Future[TrialRow | None]] = {executor.submit(self._one, name) for name in names}
            while waiting:
                try:
                    ready, waiting = wait(waiting, timeout=_TURN, return_when=FIRST_COMPLETED)
                    rows += [row for future in ready if (row := future.result()) is not None]
                    watch(rows, dict(self.steps))
                except KeyboardInterrupt:
                    done = False
                    waiting = {future for future in waiting if not future.cancel()}
                    self.interrupt()
        return done

    def interrupt(self) -> None:
        """Ask the running trials to end, as Ctrl-C does; no other is started."""
        self._ending = True
        with self._lock:
            for process in self._running.values():
                with suppress(OSError):
                    process.send_signal(signal.SIGINT)

    def _one(self, name: str) -> TrialRow | None:
        slot = self._slots.get()
        try:
            return None if self._ending else self._started(name, slot)
        finally:
            self._slots.put(slot)

    def _started(self, name: str, slot: int) -> TrialRow | None:
        with open(self._design.folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen(
                task.command(self._design.folder, name, slot),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # a Ctrl-C reaches it once, by us
            )
        with self._lock:
            self._running[name] = process
        if self._ending:
            self.interrupt()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                with suppress(ValueError):
                    self.steps[name] = int(line)
            process.wait()
        finally:
            with self._lock:
                del self._running[name]
            self.steps.pop(name, None)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
        if (row := self._design.rows([name]).get(name)) is not None:
            return row
        if process.returncode != 128 + signal.SIGINT and not self._ending:
            row = failed(self._design, name)
            self._design.keep(row)
        return row


def failed(design: Design, name: str) -> TrialRow:
    """The row of a trial whose process left none."""
    lines: list[str] = []
    with suppress(OSError):
        lines = (design.folder / f"{name}.log").read_text("utf-8", errors="replace").splitlines()
    why = next((line for line in reversed(lines) if line.strip()), "its process left nothing")
    return without(CHANGES[name], "failed", why.strip())


def by_joblib(design: Design, names: Sequence[str], jobs: int, backend: str | None, watch: Watch) -> bool:
    """Do these trials by joblib; as of `Tasks.run`.

    Raises:
        LaunchError: joblib is not there, or does not know the backend.
    """
    if find_spec("joblib") is None:
        raise LaunchError("--on joblib needs joblib: pip install 'samebits[joblib]'")
    import joblib  # type: ignore[import-untyped]

    folder = str(design.folder)
    done, stop = True, threading.Event()

    def watched() -> None:
        while not stop.wait(_TURN):
            watch(list(design.rows(names).values()), {})

    watcher = threading.Thread(target=watched, name="samebits-watch", daemon=True)
    watcher.start()
    try:
        with joblib.parallel_config(backend=backend or "loky", n_jobs=jobs):
            joblib.Parallel()(joblib.delayed(alone)(folder, name) for name in names)
    except KeyboardInterrupt:
        done = False
    except ValueError as e:
        raise LaunchError(f"joblib cannot use the backend {backend!r}: {e}") from e
    finally:
        stop.set()
        watcher.join()
    for name in set(names) - design.rows(names).keys() if done else ():
        design.keep(failed(design, name))
    return done


def alone(folder: str, name: str) -> None:
    """Do one trial in a process of its own, from any process or thread; its row lies in the folder."""
    with open(Path(folder) / f"{name}.log", "wb") as log:
        subprocess.run(task.command(Path(folder), name), stdin=subprocess.DEVNULL, stderr=log, check=False)


def write_slurm(design: Design) -> tuple[Path, list[str]]:
    """Write what submits the trials as a Slurm array after their baseline.

    Returns the script, and the words that collect the rows once the array has ended.

    Raises:
        OSError: it cannot be written.
    """
    folder = design.folder
    words = shlex.join(task.command(folder, "NAME")[:-1])
    log = shlex.quote(str(folder / "slurm-%A-%a.log"))
    head = f"#!/bin/sh\n#SBATCH --job-name=samebits-stress\n#SBATCH --output={log}\n"
    (folder / "baseline.sh").write_text(f"{head}exec {words} baseline\n")
    array = f"#SBATCH --array=0-{len(design.names) - 1}\n"
    (folder / "changes.sh").write_text(f'{head}{array}exec {words} "$SLURM_ARRAY_TASK_ID"\n')
    script = folder / "submit.sh"
    baseline, changes = (shlex.quote(str(folder / name)) for name in ("baseline.sh", "changes.sh"))
    script.write_text(
        "#!/bin/sh\n"
        "# What sbatch is to know (partition, time, GPUs) are the words of this script.\n"
        f'first=$(sbatch --parsable "$@" {baseline}) || exit\n'
        f'sbatch --dependency=afterok:"${{first%%;*}}" "$@" {changes}\n'
    )
    script.chmod(0o755)
    return script, ["samebits", "stress", "--collect", str(folder)]


def checked_place(on: str) -> tuple[str, str | None]:
    """What `--on` names: "here", "joblib" with a backend, or "slurm".

    Raises:
        UsageError: something else.
    """
    kind, _, backend = on.partition(":")
    if kind == "joblib":
        return kind, backend or None
    if on in ("here", "slurm"):
        return on, None
    raise UsageError(f"trials run on here, joblib, joblib:BACKEND or slurm, and not on {on!r}")
