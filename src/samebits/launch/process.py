"""One run: a folder, the started processes, and how they ended.

The program is started by a keeper (`samebits.launch.keeper`), so that no process of it outlives samebits,
however samebits ends.  Signals that samebits gets go to the program, which may take its time over them; only
a third interrupt by the person, or a time limit, ends it the hard way.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from samebits import manifest
from samebits._runtime import mirrored
from samebits._runtime.whole import write_whole
from samebits.control.settings import Control
from samebits.errors import LaunchError, RecordError
from samebits.launch import keeper
from samebits.launch.attached import Unattached
from samebits.launch.output import Output
from samebits.launch.program import Program
from samebits.launch.signals import Interrupted, Signals, noted
from samebits.launch.stalled import Stalled, has_stopped
from samebits.observe.plan import Plan
from samebits.record.kept import steps_of
from samebits.record.run import FORMAT, VERSION, Run, inventory

#: Called with the number of finished steps, a few times a second.
Progress = Callable[[int], None]
#: What a time limit does, and after how many further seconds: each lets the program end by itself.
_PRESSING: Final = ((0.0, signal.SIGINT), (10.0, signal.SIGTERM), (15.0, keeper.KILL))
#: The same for what waits for a stopped process, whose other processes are to end in good order.
_STALLED: Final = ((0.0, keeper.ALONE), *_PRESSING[1:])
_NEVER: Final = (float("inf"), 0)
#: So many interrupts by the person end a program the hard way.
_INTERRUPTS: Final = 3
_TURN: Final = 0.25


def new_folder(out: Path) -> Path:
    """A new run's folder under ``out``, named by the time; nobody else may look into it."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    with _kept_in(out):
        number, folder = 1, out / f"{stamp}-{secrets.token_hex(2)}"
        while folder.exists():
            number += 1
            folder = folder.with_name(f"{stamp}-{secrets.token_hex(2)}-{number}")
        folder.mkdir(mode=0o700)
        folder.chmod(0o700)  # whatever the umask
        (folder / ".gitignore").write_text("*\n")  # not in `out`, which may hold files of the user's
    return folder


def check_out(out: Path) -> None:
    """Refuse a folder in which no run can be kept, before anything is built or started.

    Raises:
        LaunchError: it cannot be made or written to.
    """
    with _kept_in(out):
        os.rmdir(tempfile.mkdtemp(dir=out))


@contextmanager
def _kept_in(out: Path) -> Iterator[None]:
    try:
        out.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as e:
        raise LaunchError(
            f"runs cannot be kept in {str(out)!r}: {e.strerror or e}; choose another folder with --out"
        ) from e


def start(
    program: Program,
    control: Control,
    plan: Plan,
    *,
    quiet: bool,
    timeout: float | None,
    progress: Progress | None,
    verify: str | None,
) -> Path:
    """Run the program once, controlled and observed, and return its folder; how it ended is in run.json.

    With ``quiet`` the program reads nothing, and what it writes is kept in the folder; else it is where
    it would be without samebits, at the terminal.

    Raises:
        LaunchError: the program could not be started, or its run not be kept; then the program has ended.
        Interrupted: a signal asked for an end, the program has ended, and run.json says so.
    """
    folder = Path(plan.folder)
    begun = program.folder or os.getcwd()
    mirror = dict(program.variables).get(mirrored.VARIABLE) or ""
    info: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "id": folder.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "argv": manifest.redacted([mirrored.real(word, mirror) for word in program.target]),
        "kind": program.kind,
        "cwd": begun,
        "level": plan.level,
        "status": "running",
        "exit_code": None,
        "seconds": None,
        "verify": verify,
        "zoom": list(plan.zoom) if plan.zoom else None,
        "git": manifest.git(Path(mirrored.real(begun, mirror))),  # in a mirror large files are links
    }
    _write(folder, info)
    began = time.monotonic()
    output = Output() if quiet else None
    kept: OSError | None = None
    with noted() as signals:
        try:
            running = Running(program, control, plan, output)
        except OSError as e:
            if output is not None:
                output.close(folder)
            with suppress(LaunchError):
                _write(folder, info | {"status": "failed"})
            raise LaunchError(f"{program.target[0]!r} could not be started: {e.strerror or e}") from e
        watch = Unattached(folder)
        try:
            with running:
                # A trial's folder goes with it, and one that is killed has cleaned up nothing.
                trial = plan.kill is not None or mirrored.VARIABLE in dict(program.variables)
                status = _wait(running, plan, timeout, progress, signals, watch, clears=trial)
        finally:
            if output is not None:
                try:
                    output.close(folder)
                except OSError as e:
                    kept = e
        info |= {"status": status, "exit_code": running.code, "seconds": round(time.monotonic() - began, 3)}
        info["unattached"] = watch.found
        with suppress(OSError, RecordError):  # the folder may be gone
            info["records"] = inventory(folder)
        _write(folder, info, ended=running.code)
        if kept is not None:
            raise _not_kept(folder, kept, running.code) from kept
        if signals.ending is not None:
            raise Interrupted(signals.ending)
    return folder


class Running:
    """A program that a keeper has started; when the block ends, so has it, with all that it started."""

    def __init__(self, program: Program, control: Control, plan: Plan, output: Output | None) -> None:
        """Raises OSError: it could not be started."""
        control_read, self._control = os.pipe()
        self._report, report_write = os.pipe()
        self._plan = plan
        self._text = b""
        self.code: int | None = None
        self.gone = False  # the keeper has nothing left to do
        way: Literal["own", "shared"] = "shared" if output is None else "own"
        words = [sys.executable, "-I", "-S", keeper.__file__, str(control_read), str(report_write), way]
        try:
            self._keeper = subprocess.Popen(
                [*words, *program.command()],
                cwd=program.folder,
                env=dict(program.environment(control, plan)),
                stdin=None if output is None else subprocess.DEVNULL,
                stdout=None if output is None else output.ends[0],
                stderr=None if output is None else output.ends[1],
                start_new_session=output is not None,
                pass_fds=(control_read, report_write),
            )
        except BaseException:
            os.close(self._control)
            os.close(self._report)
            raise
        finally:
            os.close(control_read)
            os.close(report_write)
        if output is not None:
            output.begin()
        while not self._text:  # "pid", or "error"
            self._listen(None)
        if self._text.startswith(b"error "):
            number = int(self._text.split()[1])
            self.__exit__()
            raise OSError(number, os.strerror(number))

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        """Whatever is still there ends now."""
        with suppress(OSError):
            os.close(self._control)
        while not self.gone:
            self._listen(None)
        self._keeper.wait()
        os.close(self._report)
        if self.code is None:  # the keeper was killed: the kernel has killed the program, and this the rest
            self.code = -signal.SIGKILL
            _kill_all_of(self._plan.folder)

    @property
    def pid(self) -> int:
        """The process that all of the program's are below of."""
        return self._keeper.pid

    def wait(self, seconds: float) -> None:
        """Until it has ended, with what it left running for a moment, but not longer than ``seconds``."""
        self._listen(seconds)

    def send(self, number: int) -> None:
        """Give the program a signal; `keeper.KILL` ends everything."""
        with suppress(OSError):
            os.write(self._control, bytes([number]))

    def _listen(self, seconds: float | None) -> None:
        ready, _, _ = select.select([self._report], [], [], seconds)
        if not ready:
            return
        data = os.read(self._report, 4096)
        self._text += data
        self.gone = not data or self._text.endswith(b"gone\n")
        for line in self._text.splitlines():
            if line.startswith(b"exit "):
                self.code = int(line.split()[1])
        if not data and not self._text:
            raise OSError("the process that was to start it was killed")


def _wait(
    running: Running,
    plan: Plan,
    timeout: float | None,
    progress: Progress | None,
    signals: Signals,
    watch: Unattached,
    *,
    clears: bool,
) -> str:
    """Until the program has ended; how.  ``clears``: what it leaves running ends, too."""
    limit = None if timeout is None else time.monotonic() + timeout
    pressed: float | None = None  # since when
    pressing: Iterator[tuple[float, int]] = iter(())
    due = _NEVER
    late = stopped = False
    folder = Path(plan.folder)
    stalled = Stalled(running.pid)
    while not running.gone:
        running.wait(_TURN)
        watch.look_below(running.pid)
        for number in signals.drain():
            running.send(number)
        if signals.interrupts >= _INTERRUPTS:
            running.send(keeper.KILL)
        now = time.monotonic()
        stopped = stopped or has_stopped(plan.folder)
        if limit is not None and now > limit and not late:
            late, pressed, pressing = True, limit, iter(_PRESSING)
            due = next(pressing)
        elif stopped and pressed is None and stalled.now():
            pressed, pressing = now, iter(_STALLED)
            due = next(pressing)
        if running.code is None and pressed is not None and now > pressed + due[0]:
            running.send(due[1])
            due = next(pressing, _NEVER)
        if progress is not None:
            progress(steps_of(folder) or 0)
        if running.code is not None and (clears or stopped or late or signals.ending is not None):
            running.send(keeper.CLEAR)  # what it leaves behind was not meant to stay
    if signals.ending is not None:
        return "interrupted"
    if late:
        return "timeout"
    if running.code == 0 or (stopped and pressed is not None):
        return "finished"
    stopped = has_stopped(plan.folder)
    return "stopped" if stopped and not _failed(folder) else "failed"


def _failed(folder: Path) -> bool:
    """Whether a process of a run failed by itself: others answer to being stopped as to an error."""
    with suppress(RecordError, OSError), Run.open(folder) as run:
        return any(record.status == "failed" for record in run.records.values())
    return True


def _kill_all_of(folder: str) -> None:
    """Kill every process that was started for a run: its folder stands in their environment."""
    token = os.fsencode(json.dumps(folder)[1:-1])
    for process in keeper.parents():
        with suppress(OSError):
            if process != os.getpid() and token in Path(f"/proc/{process}/environ").read_bytes():
                os.kill(process, signal.SIGKILL)


def _write(folder: Path, info: dict[str, Any], *, ended: int | None = None) -> None:
    """Replace run.json in one step: a reader sees the old or the new, never a half."""
    try:
        write_whole(folder / "run.json", f"{json.dumps(info, indent=1, default=str)}\n".encode())
    except OSError as e:
        _write_lost(folder, info, e)
        raise _not_kept(folder, e, ended) from e


def _write_lost(folder: Path, info: dict[str, Any], error: OSError) -> None:
    """Where there is no room for a new run.json, say so in the old one, whose blocks are there."""
    short = {key: value for key, value in info.items() if key not in ("git", "records", "unattached")}
    short |= {"status": "lost", "reason": (error.strerror or str(error)).lower()}
    with suppress(OSError), open(folder / "run.json", "r+b", buffering=0) as file:
        text = json.dumps(short, default=str).encode() + b"\n"
        if len(text) <= max(os.fstat(file.fileno()).st_size, 4096):
            file.write(text)
            file.truncate()


def _not_kept(folder: Path, error: OSError, code: int | None) -> LaunchError:
    ended = "" if code is None else f"; the program itself ended with exit code {code}"
    why = "the folder is gone" if not folder.is_dir() else error.strerror or error
    return LaunchError(f"the run could not be kept in {str(folder)!r}: {why}{ended}")
