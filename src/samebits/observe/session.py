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

from samebits._runtime import imports, mirrored
from samebits.manifest.secrets import redact_data, redact_path, secret_name
from samebits.model import events
from samebits.model.facts import Checkpoint, Detail, Fact, File, Listing, Load, Probe, Save, Variable, Write
from samebits.model.sites import Site
from samebits.observe.command import command_digest
from samebits.observe.opening import CUSTOM_OPS, Opening
from samebits.observe.pace import Pace
from samebits.observe.plan import Plan
from samebits.observe.record_key import PROCESS, RecordKey
from samebits.observe.sources import Sources
from samebits.observe.torch_draws import TorchDraws
from samebits.record import log
from samebits.usercode import drawn, loading

if TYPE_CHECKING:
    from samebits.record.writer import Writer

#: Notes that quote the program: such a text may hold a secret, so it is redacted.
_QUOTES: Final = frozenset({"exception", "left_out"})
#: Parts of names of variables whose numbers are nobody's business.
_NUMBERS: Final = frozenset({"CODE", "OTP", "PIN", "PINS"})
_COLUMNS: Final = tuple(name for name, _ in events.STRUCTURE)


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
        self.key = RecordKey()
        self._sources = Sources()
        self.draws = TorchDraws(self, self._sources)
        self._committed = 0.0  # time of the last commit, monotonic
        self._early: list[Fact[Detail]] = []  # facts from before torch was imported
        self._manifest: dict[str, Any] = {}
        self._notes: dict[str, Any] = {}
        self._counter: mmap.mmap | None = None
        #: The completion note: the record is complete if the process ends before the next commit.
        self._completion: str | None = None
        self._completed_events = 0  # the number of events when that note was written
        #: Empty in forked children, and not noted for workers of multiprocessing: neither have a command.
        self._command = command_digest(self._sources.cwd)
        self._tasks: bytes | None = b""  # digest of all tasks this process received; None: not known
        self._tasks_noted: bytes | None = b""  # its value in the record
        self._lock = threading.RLock()
        self._opening: Opening | None = None  # at level "auto", while operations are recorded
        self._pace = Pace()

    # -- begin and end -----------------------------------------------------------------------------
    def begin(self, observer: ModuleType, manifest: Mapping[str, Any]) -> None:
        """Torch is imported: from now on events are collected."""
        self.observer = observer
        self._manifest = dict(manifest)
        drawn.positioned(observer.position, self.draws.before_seed)
        self.writer().commit(steps=0)  # a process killed before its first step leaves a record too
        if self.plan.level == "op":
            observer.operations(True)
        # The observer in Python changes what it observes, so that it never begins by itself.
        elif self.plan.level == "auto" and not self.key.is_child and not hasattr(observer, "limits"):
            self._opening = Opening(self.plan, self.key.text, observer)
            self._opening.begin()
            self.note(events.OPENING, None)
        if self.operations:
            imports.after(CUSTOM_OPS, lambda custom_ops: custom_ops.observe(self.operations))
        self._set_zoom()

    @property
    def operations(self) -> bool:  # recorded now?
        return not self.ended and (self.plan.level == "op" or self._opening is not None)

    def close_opening(self) -> None:
        """From here on, in the middle of a step, no operation is recorded."""
        if self._opening is not None:
            self.note(events.OPENING, self.step)
            self._stop_operations()

    def _stop_operations(self) -> None:
        if self._opening is not None:
            self._opening.end()
            self._opening = None
        if self.observer is not None:
            self.observer.operations(False)
        if CUSTOM_OPS in sys.modules:
            sys.modules[CUSTOM_OPS].observe(False)

    def after_fork(self) -> None:
        """In a forked child: forget what the parent observed, and begin a record for the child."""
        if self._writer is not None:
            self._writer.abandon()
        self.key.after_fork()
        self._writer = None
        self._counter = None
        self._lock = threading.RLock()  # a thread of the parent may hold the old one
        self._pid = os.getpid()
        self._sources.renew()
        self._committed = 0.0
        self._early.clear()
        self._notes.clear()
        self._completion = None
        self._command = self._tasks = self._tasks_noted = b""
        self.step = 0
        self._pace = Pace()
        if self.observer is not None:
            self.observer.after_fork()
        if self._opening is not None:  # the child is a worker
            self._stop_operations()

    def end(self, status: str) -> None:
        """Write what is left and close the record; later observations are ignored."""
        if self.ended or os.getpid() != self._pid:
            return
        self.draws.stop()
        if self.observer is not None and (self._writer is not None or self.observer.position()):
            # A completion note stays: Pool.terminate() may end this process between flush() and finish().
            self.flush(completion=log.RESULTS_SENT if self._completion == log.RESULTS_SENT else None)
            assert self._writer is not None
            if seconds := self._pace.seconds():
                self._writer.note(events.PACE, seconds)
            self._writer.finish(status)
        self.ended = True
        self.stopped_early = status == "stopped"
        self._stop_operations()

    # -- what arrives ------------------------------------------------------------------------------
    def fact(
        self, detail: Detail, site: Site | None, *, at: int | None = None, step: int | None = None
    ) -> None:
        """Take a fact: what the program did, and where (None: not known).

        ``at`` and ``step`` place it in the run, if it comes later than what it tells of.
        """
        if self.ended:
            return
        if (
            isinstance(detail, (Checkpoint, File, Listing, Load, Probe, Save, Write))
            and detail.path is not None
        ):
            detail = replace(detail, path=redact_path(mirrored.real(detail.path)))
        if isinstance(detail, Variable) and detail.value is not None:
            name = detail.name or ""
            if secret_name(name) or not _NUMBERS.isdisjoint(name.upper().split("_")):
                detail = replace(detail, value=None)
        if at is None:
            at = self.observer.position() if self.observer is not None else 0
        fact = Fact(detail, site, at, self.step if step is None else step)
        if self.observer is None:
            self._early.append(fact)
        else:
            self.writer().facts([fact])
            if self.key.is_child and time.monotonic() - self._committed > 0.2:
                self.flush()  # nothing else commits in a loader's worker, which may be killed at any time
        if site is not None and self._writer is not None:
            self._sources.keep(site.file, self._writer)

    def keep_source(self, file: str) -> None:
        """Keep the text of a file of the program's of which there is no fact."""
        self._sources.keep(self._sources.relative(file), self.writer())

    def hold(self, detail: Detail) -> None:
        """Take a fact that is of account beside others alone: it makes no record by itself."""
        if self._writer is not None:
            self.fact(detail, None)
        elif not self.ended:
            self._early.append(Fact(detail, None, 0, self.step))

    def now(self) -> tuple[int, int]:
        """How far the program is: the position among its events, and the step."""
        return (self.observer.position() if self.observer is not None else 0), self.step

    def before_exec(self) -> None:
        """Write everything: `os.exec` is about to put another program in the place of this one."""
        if self.observer is not None and not self.ended and os.getpid() == self._pid:
            self.flush(completion=log.EXEC)

    @property
    def can_receive_tasks(self) -> bool:
        """Whether another process started this one and may send it tasks, even before torch is imported."""
        return self.key.is_child and not self.ended and os.getpid() == self._pid

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

            path = self.key.choose(Path(self.plan.folder))
            self._writer = Writer(
                path,
                process=self.key.text,
                rank=self.key.rank,
                manifest=self._manifest,
                plan={**asdict(self.plan), **self._control},
            )
            os.environ[PROCESS] = self.key.text
            self._writer.facts(self._early)
            self._early.clear()
            if self._command and not self.key.is_named:
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
        return self.plan.schedule.get(self.key.text, ())

    def advance(self) -> None:
        """An optimizer step is complete: commit everything up to it, so that a kill does not lose it."""
        self._pace.step()
        done = self.step + 1
        over = self._opening is not None and self._opening.is_over(done)
        if over:
            self.note(events.OPENING, done)
        self.flush(done)
        self.step = done
        if over:
            self._stop_operations()
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
            self.draws.take()
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
                writer.sites(
                    [(i, self._sources.relative(file), line, function) for i, file, line, function in sites]
                )
                for _, file, _, _ in sites:
                    self._sources.keep(file, writer)
                self._sources.keep_program(writer)
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
            if self.plan.capture_bytes or self._opening is not None:
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
            on = self.key.is_child or first <= self.step <= last  # workers count no steps
            self.observer.zoom(on, self.plan.capture_bytes if on else 0)
        drawn.stepped(self.step, on)

    def _show_progress(self) -> None:
        """Write the step count where the parent's progress line reads it: eight bytes of a file, mapped."""
        if self.key.is_child or self.key.rank:
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
