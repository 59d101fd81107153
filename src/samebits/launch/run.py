"""One run: a folder, the started processes, and how they ended.

The program's processes form a group of their own, so that a time limit or Ctrl-C reaches the ranks
and workers too: an interrupt first, which lets each write its record, then a kill.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from samebits import manifest
from samebits.errors import LaunchError
from samebits.launch.attached import Unattached
from samebits.launch.program import Control, Program
from samebits.record.run import inventory
from samebits.record.session import Plan

#: Called with the number of finished steps, a few times a second.
Progress = Callable[[int], None]
#: Seconds after each interrupt; then a kill.  One may be lost where Python cannot raise, as in a callback.
_PATIENCE: Final = (4.0, 8.0)


def new_folder(out: Path) -> Path:
    """A new run's folder under ``out``, named by the time."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not (out / ".gitignore").exists():
            (out / ".gitignore").write_text("*\n")
        folder = out / f"{stamp}-{secrets.token_hex(2)}"
        folder.mkdir()
    except OSError as e:
        raise LaunchError(
            f"runs cannot be kept in {str(out)!r}: {e.strerror or e}; choose another folder with --out"
        ) from e
    return folder


def start(
    program: Program,
    plan: Plan,
    *,
    quiet: bool,
    timeout: float | None,
    progress: Progress | None,
    verify: str | None,
) -> Path:
    """Run the program once under ``plan`` and return its folder; how it ended is in run.json.

    With ``quiet`` the program's output goes to stdout.txt and stderr.txt of the folder.

    Raises:
        LaunchError: the program could not be started.
        KeyboardInterrupt: after the processes have been stopped and run.json says so.
    """
    folder = Path(plan.folder)
    info: dict[str, Any] = {
        "format": "samebits.run",
        "version": 1,
        "id": folder.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "argv": manifest.redacted(list(program.target)),
        "kind": program.kind,
        "cwd": os.getcwd(),
        "level": plan.level,
        "status": "running",
        "exit_code": None,
        "seconds": None,
        "verify": verify,
        "zoom": list(plan.zoom) if plan.zoom else None,
        "git": manifest.git(Path.cwd()),
    }
    _write(folder, info)
    began = time.monotonic()
    with ExitStack() as files:
        outputs: list[IO[bytes] | None] = [None, None]
        if quiet:
            outputs = [files.enter_context(open(folder / n, "wb")) for n in ("stdout.txt", "stderr.txt")]
        try:
            child = subprocess.Popen(
                program.command(),
                env=dict(program.environment(Control(plan.seed, plan.deterministic, plan.everywhere), plan)),
                stdin=subprocess.DEVNULL if quiet else None,
                stdout=outputs[0],
                stderr=outputs[1],
                start_new_session=True,
            )
        except OSError as e:
            _write(folder, info | {"status": "failed"})
            raise LaunchError(f"{program.target[0]!r} could not be started: {e.strerror or e}") from e
        watch = Unattached(folder)
        try:
            with _interrupts() as interrupted:
                status = _wait(child, folder, timeout, progress, interrupted, watch)
        except KeyboardInterrupt:
            _stop(child)
            _write(folder, info | {"status": "interrupted", "seconds": round(time.monotonic() - began, 3)})
            raise
        if status != "timeout":
            status = "finished" if child.returncode == 0 else "failed"
        _write(
            folder,
            info
            | {
                "status": status,
                "exit_code": child.returncode,
                "records": inventory(folder),
                "unattached": watch.found,
                "seconds": round(time.monotonic() - began, 3),
            },
        )
    return folder


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Ctrl-C as a flag: an exception may be lost where Python cannot raise one (a finalizer)."""
    seen = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield seen
        return
    before = signal.signal(signal.SIGINT, lambda *_: seen.set())
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def _wait(
    child: subprocess.Popen[bytes],
    folder: Path,
    timeout: float | None,
    progress: Progress | None,
    interrupted: threading.Event,
    watch: Unattached,
) -> str:
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=0.25)
            if not interrupted.is_set():
                return "ended"
        if interrupted.is_set():
            raise KeyboardInterrupt
        watch.look_below(child.pid)
        if progress is not None:
            progress(steps_done(folder))
        if deadline is not None and time.monotonic() > deadline:
            _stop(child)
            return "timeout"


def _stop(child: subprocess.Popen[bytes]) -> None:
    for patience in _PATIENCE:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            child.wait(timeout=patience)
            break
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def steps_done(folder: Path) -> int:
    """The finished optimizer steps of a run under way."""
    try:
        return int.from_bytes((folder / "progress").read_bytes(), "little")
    except OSError:
        return 0


def _write(folder: Path, info: dict[str, Any]) -> None:
    """Replace run.json in one step: a reader sees the old or the new, never a half."""
    scratch = folder / "run.json.new"
    scratch.write_text(json.dumps(info, indent=1, default=str) + "\n")
    os.replace(scratch, folder / "run.json")
