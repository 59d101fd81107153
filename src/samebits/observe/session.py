"""The observation of one process: joins the observer, the writer and the count of steps.

`launch.child` makes the session.  `hooks` changes torch so that torch calls the session.  The observer is a
module, `observe.native` or `observe.fallback`: it collects the events until the session takes them.  The
plan (`observe.plan`) says what to observe.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from samebits._runtime import imports
from samebits.manifest.secrets import redact, redact_data, redact_path
from samebits.model import events
from samebits.model.facts import Detail, Fact, File, Listing, Load, Probe, Save, Write
from samebits.model.sites import Site
from samebits.observe.command import command_digest
from samebits.observe.plan import Plan
from samebits.record import log
from samebits.usercode import drawn, loading, texts

if TYPE_CHECKING:
    from samebits.record.writer import Writer

PROCESS: Final = "SAMEBITS_PROCESS"  # the process key of the parent process, if the parent is observed
#: Notes that quote the program: such a text may hold a secret, so it is redacted.
_QUOTES: Final = frozenset({"exception", "left_out"})
_LARGEST: Final = 1 << 20  # bytes of a text that is kept
_COLUMNS: Final = tuple(name for name, _ in events.STRUCTURE)


def _working_folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return os.sep


class Session:
    """One observed process.  It takes facts from the start, and events once torch is imported (`begin`)."""

    def __init__(self, plan: Plan, control: Mapping[str, Any] | None = None) -> None:
        """``control``: how samebits changes the program (its seed, for one), as JSON, for the record."""
        self.plan = plan
        self._control = control or {}
        self.step = 0
        self.observer: ModuleType | None = None
        self.ended = False
        self.stopped_early = False  # samebits ended the run, for `--steps`
        self.on_step_limit: Callable[[], None] = lambda: None  # called when this process has done its steps
        self._writer: Writer | None = None
        self._pid = os.getpid()
        self._cwd = _working_folder()
        self._committed = 0.0  # time of the last commit, monotonic
        self._early: list[Fact[Detail]] = []  # facts from before torch was imported
        self._manifest: dict[str, Any] = {}
        self._notes: dict[str, Any] = {}
        self._counter: mmap.mmap | None = None
        #: The completion note: the record is complete if the process ends before the next commit.
        self._completion: str | None = None
        self._completed_events = 0  # the number of events when that note was written
        #: Empty in forked children, and not noted for workers of multiprocessing: neither have a command.
        self._command = command_digest(self._cwd)
        self._tasks: bytes | None = b""  # digest of all tasks this process received; None: not known
        self._tasks_noted: bytes | None = b""  # its value in the record
        self._sources: set[str] = set()  # files whose text is kept
        self._texts: dict[tuple[str, int, int], str] = {}  # (path, mtime, size) -> its text without secrets
        self._lock = threading.RLock()
        self._parent = os.environ.get(PROCESS, "")  # the key of the process that made this one
        self._key = ""  # this process's own; empty until the writer is made
        self._fork_count = 0  # children of `os.fork` so far, see `before_fork`
        self._next_fork = 0  # the number of the child that is being forked; 0: it has no number
        self._fork_number = 0  # this process's own number among the children its parent forked

    # -- who this is -------------------------------------------------------------------------------
    @property
    def rank(self) -> int:
        return int(os.environ["RANK"]) if os.environ.get("RANK", "").isdigit() else 0

    def process(self) -> str:
        """The key that names this process in every run: by its rank, or else by how its parent started it."""
        mp = sys.modules.get("multiprocessing.process")
        name = mp.current_process().name if mp else "MainProcess"
        ranked = f"rank{self.rank}" if os.environ.get("RANK", "").isdigit() else ""
        if name != "MainProcess":
            return f"{self._parent or ranked or 'main'}/{name}"
        if ranked and ranked not in self._parent.split("/"):
            return ranked
        return f"{self._parent}/child" if self._parent else "main"

    @property
    def worker(self) -> bool:
        """Whether another observed process started this one."""
        return "/" in (self._key or self.process())

    # -- begin and end -----------------------------------------------------------------------------
    def begin(self, observer: ModuleType, manifest: Mapping[str, Any]) -> None:
        """Torch is imported: from now on events are collected."""
        self.observer = observer
        self._manifest = dict(manifest)
        drawn.positioned(observer.position)
        self.writer().commit(steps=0)  # a process killed before its first step leaves a record too
        if self.plan.level == "op":
            observer.operations(True)
            imports.after("samebits.random.custom_ops", lambda custom_ops: custom_ops.observe(not self.ended))
        self._set_zoom()

    def before_fork(self) -> None:
        """Number the child that `os.fork` is about to make, whichever child imports torch first."""
        caller = sys._getframe(1).f_globals.get("__name__", "")
        self._next_fork = 0
        # multiprocessing gives its children names; those of subprocess become another program.
        if not caller.startswith(("multiprocessing.", "subprocess")):
            self._fork_count += 1
            self._next_fork = self._fork_count

    def after_fork(self) -> None:
        """In a forked child: forget what the parent observed, and begin a record for the child."""
        self._fork_number, self._next_fork, self._fork_count = self._next_fork, 0, 0
        if self._writer is not None:
            self._writer.abandon()
        self._parent = self._key or self._parent or "main"
        self._key = ""
        self._writer = None
        self._counter = None
        self._lock = threading.RLock()  # a thread of the parent may hold the old one
        self._pid = os.getpid()
        self._cwd = _working_folder()
        self._committed = 0.0
        self._early.clear()
        self._notes.clear()
        self._completion = None
        self._command = self._tasks = self._tasks_noted = b""
        self.step = 0
        if self.observer is not None:
            self.observer.after_fork()

    def end(self, status: str) -> None:
        """Write what is left and close the record; later observations are ignored."""
        if self.ended or os.getpid() != self._pid:
            return
        if self.observer is not None and (self._writer is not None or self.observer.position()):
            # A completion note stays: Pool.terminate() may end this process between flush() and finish().
            self.flush(completion=log.RESULTS_SENT if self._completion == log.RESULTS_SENT else None)
            assert self._writer is not None
            self._writer.finish(status)
        self.ended = True
        self.stopped_early = status == "stopped"
        if self.observer is not None:
            self.observer.operations(False)
        if (custom_ops := sys.modules.get("samebits.random.custom_ops")) is not None:
            custom_ops.observe(False)

    # -- what arrives ------------------------------------------------------------------------------
    def fact(
        self, detail: Detail, site: Site | None, *, at: int | None = None, step: int | None = None
    ) -> None:
        """Take a fact: what the program did, and where (None: not known).

        ``at`` and ``step`` place it in the run, if it comes later than what it tells of.
        """
        if self.ended:
            return
        if isinstance(detail, (File, Listing, Load, Probe, Save, Write)) and detail.path is not None:
            detail = replace(detail, path=redact_path(detail.path))
        if at is None:
            at = self.observer.position() if self.observer is not None else 0
        fact = Fact(detail, site, at, self.step if step is None else step)
        if self.observer is None:
            self._early.append(fact)
        else:
            self.writer().facts([fact])
            if self.worker and time.monotonic() - self._committed > 0.2:
                self.flush()  # nothing else commits in a loader's worker, which may be killed at any time
        if site is not None:
            self._keep_source(site.file)

    def before_exec(self) -> None:
        """Write everything: `os.exec` is about to put another program in the place of this one."""
        if self.observer is not None and not self.ended and os.getpid() == self._pid:
            self.flush(completion=log.EXEC)

    @property
    def can_receive_tasks(self) -> bool:
        """Whether another process started this one and may send it tasks, even before torch is imported."""
        return self.worker and not self.ended and os.getpid() == self._pid

    @property
    def parent_may_terminate(self) -> bool:
        """Whether the parent process may end this one by a signal, and this one has a record."""
        return self._writer is not None and self.can_receive_tasks

    def mark_complete(self) -> None:
        """Write a completion note: this process is about to send its results, or waits for a task."""
        observer, noted = self.observer, self._completion == log.RESULTS_SENT
        if not noted or observer is None or observer.position() != self._completed_events:
            self.flush(completion=log.RESULTS_SENT)

    def unmark_complete(self) -> None:
        """Take the completion note back: this process has received another task."""
        if self._completion == log.RESULTS_SENT:
            self.flush()

    def add_task(self, task: bytes | None) -> None:
        """A pool's worker received a task: add the digest of its bytes (None: not known)."""
        if self._tasks is not None:
            self._tasks = None if task is None else blake2b(self._tasks + task, digest_size=16).digest()

    @contextmanager
    def try_lock(self, timeout: float) -> Iterator[bool]:
        """Keep other threads from writing.  Gives False where one still writes after ``timeout`` seconds."""
        free = self._lock.acquire(timeout=timeout)
        try:
            writer = self._writer
            yield free and (writer is None or writer.free(timeout))
        finally:
            if free:
                self._lock.release()

    def note(self, key: str, value: Any) -> None:
        """Write a note about this process into its record, with the next commit."""
        if key in _QUOTES:
            value = redact_data(value)
        self._notes[key] = value
        if self._writer is not None:
            self._writer.note(key, value)

    def not_observed(self, what: str) -> None:
        """Note something that samebits does not observe here; the verdict names it."""
        known = self._notes.get("left_out", [])
        if what not in known:
            self.note("left_out", [*known, what])

    # -- writing -----------------------------------------------------------------------------------
    def writer(self) -> Writer:
        if self._writer is None:
            from samebits.record.writer import Writer

            name, number = self.process(), max(self._fork_number, 1)
            while True:  # several children may have the same name
                self._key = name if number == 1 else f"{name}#{number}"
                path = Path(self.plan.folder) / f"{self._key.replace('/', '~')}.db"
                if not path.exists():
                    break
                number += 1
            self._writer = Writer(
                path,
                process=self._key,
                rank=self.rank,
                manifest=self._manifest,
                plan={**asdict(self.plan), **self._control},
            )
            os.environ[PROCESS] = self._key
            self._writer.facts(self._early)
            self._early.clear()
            if self._command and name.rpartition("/")[2] in ("main", "child"):
                self._writer.note(log.TASKS, self._command.hex())
            for key, value in self._notes.items():
                self._writer.note(key, value)
        return self._writer

    @property
    def schedule(self) -> Sequence[tuple[int, int]] | None:
        """The schedule that the plan gives this process; None: it makes its own."""
        if self.plan.schedule is None:
            return None
        self.writer()
        return self.plan.schedule.get(self._key, ())

    def advance(self) -> None:
        """An optimizer step is complete: commit everything up to it, so that a kill does not lose it."""
        self.flush(self.step + 1)
        self.step += 1
        self._show_progress()
        self._set_zoom()

    def flush(self, steps: int | None = None, *, completion: str | None = None) -> None:
        """Pass the events that the observer holds to the writer, and commit them.

        ``completion`` is the completion note to write with them, if any.
        """
        observer = self.observer
        if observer is None or os.getpid() != self._pid:
            return
        with self._lock:
            loading.flush()
            writer = self.writer()
            if self._completion not in (None, completion):
                self.note(self._completion, False)  # the process went on: the earlier note is taken back
            if completion is not None:
                self.note(completion, True)
                self._completed_events = observer.position()
            self._completion = completion
            if self._tasks != self._tasks_noted:
                self.note(log.TASKS, None if self._tasks is None else self._tasks.hex())
                self._tasks_noted = self._tasks
            rows = observer.drain()
            names, sites = observer.tables()
            if names:
                writer.names(names)
            if sites:
                writer.sites([(i, self._relative(file), line, function) for i, file, line, function in sites])
                for _, file, _, _ in sites:
                    self._keep_source(file)
            for thread, _, _, *columns, digests, inputs, generators, sources, norms in rows:
                writer.chunk(
                    thread=thread,
                    step=self.step,
                    columns=dict(zip(_COLUMNS, columns, strict=True)),
                    digests=digests,
                    inputs=inputs,
                    generators=generators,
                    sources=sources,
                    norms=norms,
                )
            if self.plan.capture_bytes:
                from samebits.observe.reference import DTYPES

                for thread, index, part, dtype, shape, data in observer.captured():
                    name = DTYPES[dtype] if dtype < len(DTYPES) else f"dtype{dtype}"
                    writer.value(thread=thread, index=index, part=part, dtype=name, shape=shape, data=data)
            writer.commit(steps=self.step if steps is None else steps)
            self._committed = time.monotonic()

    def _set_zoom(self) -> None:
        on = False
        if self.observer is not None and self.plan.zoom is not None:
            first, last = self.plan.zoom
            on = self.worker or first <= self.step <= last  # workers count no steps
            self.observer.zoom(on, self.plan.capture_bytes if on else 0)
        drawn.stepped(self.step, on)

    def _show_progress(self) -> None:
        """Write the step count where the parent's progress line reads it: eight bytes of a file, mapped."""
        if self.worker or self.rank:
            return
        if self._counter is None:
            path = Path(self.plan.folder) / "progress"
            try:
                with open(path, "r+b" if path.exists() else "w+b", buffering=0) as f:
                    f.write(bytes(8))  # OSError where the disk is full; a store into the mapping is a SIGBUS
                    self._counter = mmap.mmap(f.fileno(), 8)
            except OSError:
                return
        struct.pack_into("<Q", self._counter, 0, self.step)

    def _relative(self, file: str) -> str:
        """The file's path, relative to the folder in which this process began if it lies in there."""
        if file.startswith("<"):
            return file
        path = os.path.normpath(os.path.join(self._cwd, file))
        return path[len(self._cwd) + 1 :] if path.startswith(self._cwd + os.sep) else path

    def _keep_source(self, file: str) -> None:
        """Keep the text of a user's source file in the record, so that a report can show its lines.

        Secrets are redacted here: the parent may be killed before it could do it afterwards.
        """
        if file in self._sources or self._writer is None:
            return
        self._sources.add(file)
        if (text := texts.text(file)) is not None:
            if len(text) <= _LARGEST:
                self._writer.source(self._relative(file), redact(text))
            return
        if file.startswith("<"):
            return
        path = os.path.join(self._cwd, file)
        try:
            found = os.stat(path)
            key = (path, found.st_mtime_ns, found.st_size)
            if found.st_size > _LARGEST:
                return
            if key not in self._texts:  # a forked child inherits its parent's texts
                with open(path, encoding="utf-8", errors="replace") as f:
                    self._texts[key] = redact(f.read())
        except OSError:
            return
        self._writer.source(self._relative(file), self._texts[key])
