"""The observation of one process: holds the observer, the writer and the count of steps.

`hooks` hooks torch and calls in here; `launch.child` starts and ends it.  What is observed is fixed by
the plan, which the parent process hands over in an environment variable.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from samebits._runtime import imports
from samebits.manifest.secrets import redact, redacted_path, scrubbed
from samebits.model import events
from samebits.model.facts import Detail, Fact, File, Listing, Load, Probe, Save, Write
from samebits.model.sites import Site
from samebits.observe.told import told
from samebits.record import log
from samebits.usercode import loading

if TYPE_CHECKING:
    from samebits.record.writer import Writer

PLAN: Final = "SAMEBITS_PLAN"  # the plan, JSON
PROCESS: Final = "SAMEBITS_PROCESS"  # the process key of the parent process, if that one is observed
KIND: Final = {name: number for number, name in enumerate(events.KINDS)}
PHASE: Final = {name: number for number, name in enumerate(events.PHASES)}
#: Notes that hold texts of the program's own, in which anything may stand.
_SAID: Final = frozenset({"exception", "left_out"})
_COLUMNS: Final = tuple(name for name, _ in events.STRUCTURE)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to observe in every process of one run.

    ``schedule`` is, for each process key, the (from step, stride) pairs by which parameters are read;
    None lets each process make its own from what reading costs it.
    """

    folder: str
    level: str = "step"  # or "op"
    steps: int | None = None  # stop after this many optimizer steps
    zoom: tuple[int, int] | None = None  # steps in which inputs, generator states and outputs are kept
    capture_bytes: int = 0
    schedule: Mapping[str, Sequence[tuple[int, int]]] | None = None
    rewrite: bool = True  # user code is rewritten to give evidence; without, the rest is observed

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        data = json.loads(text)
        if data.get("zoom"):
            data["zoom"] = tuple(data["zoom"])
        return cls(**data)


def _working_folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return os.sep


class Session:
    """One observed process.  Facts may arrive before torch is imported; events only after `begin`."""

    def __init__(self, plan: Plan, control: Mapping[str, Any] | None = None) -> None:
        """``control`` is what was changed in the program, as JSON: the record keeps it beside the plan."""
        self.plan = plan
        self._control = control or {}
        self.step = 0
        self.observer: ModuleType | None = None
        self.ended = False
        self.stopped = False  # by `--steps`
        self.on_stop: Callable[[], None] = lambda: None  # what is to happen then
        self._writer: Writer | None = None
        self._pid = os.getpid()
        self._cwd = _working_folder()
        self._committed = 0.0  # when, monotonic
        self._early: list[Fact[Detail]] = []  # before torch is imported
        self._manifest: dict[str, Any] = {}
        self._notes: dict[str, Any] = {}
        self._counter: mmap.mmap | None = None
        self._whole: str | None = None  # the note by which what is written is the whole record, so far
        self._handed = 0  # how many events there were then
        self._told = told(self._cwd)  # which a forked child is not, nor what multiprocessing starts
        self._work: bytes | None = b""  # digest of all the work that it took; None: not known
        self._noted: bytes | None = b""  # the same as it was last noted
        self._sources: set[str] = set()
        self._texts: dict[tuple[str, int, int], str] = {}  # (path, mtime, size) -> its text without secrets
        self._lock = threading.RLock()
        self._parent = os.environ.get(PROCESS, "")  # the key of the process that made this one
        self._key = ""  # once the writer is made
        self._forks = 0  # children by `os.fork` so far
        self._forking = 0  # the number of the one that is being made
        self._number = 0  # of this process among its parent's, if it is one of these

    # -- who this is -------------------------------------------------------------------------------
    @property
    def rank(self) -> int:
        return int(os.environ["RANK"]) if os.environ.get("RANK", "").isdigit() else 0

    def process(self) -> str:
        """The key that names this process across runs: its rank, else how its parent made it."""
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
        """Whether another observed process made this one, to work for it."""
        return "/" in (self._key or self.process())

    # -- begin and end -----------------------------------------------------------------------------
    def begin(self, observer: ModuleType, manifest: Mapping[str, Any]) -> None:
        """Torch is there: from now on events are collected."""
        self.observer = observer
        self._manifest = dict(manifest)
        self.writer().commit(steps=0)  # a process killed before its first step leaves a record too
        if self.plan.level == "op":
            observer.operations(True)
            imports.after("samebits.random.custom_ops", lambda random: random.observe(not self.ended))
        self._zoom()

    def before_fork(self) -> None:
        """Children of `os.fork` are numbered as they are made, and not as they come to import torch."""
        by = sys._getframe(1).f_globals.get("__name__", "")
        self._forking = 0
        if not by.startswith(
            ("multiprocessing.", "subprocess")
        ):  # these name their own, or become another program
            self._forks += 1
            self._forking = self._forks

    def after_fork(self) -> None:
        """In a forked child: a record of its own, nothing of the parent's."""
        self._number, self._forking, self._forks = self._forking, 0, 0
        if self._writer is not None:
            self._writer.abandon()
        self._parent = self._key or self._parent or "main"
        self._key = ""
        self._writer = None
        self._counter = None
        self._lock = threading.RLock()  # a thread that does not exist here may hold the old one
        self._pid = os.getpid()
        self._cwd = _working_folder()
        self._committed = 0.0  # when, monotonic
        self._early.clear()
        self._notes.clear()
        self._whole = None
        self._told = self._work = self._noted = b""
        self.step = 0
        if self.observer is not None:
            self.observer.after_fork()

    def end(self, status: str) -> None:
        """Write what is left; further observations are dropped."""
        if self.ended or os.getpid() != self._pid:
            return
        if self.observer is not None and (self._writer is not None or self.observer.position()):
            # What was handed over stays whole: the signal of a pool may come between these two.
            self.flush(whole=log.HANDED if self._whole == log.HANDED else None)
            assert self._writer is not None
            self._writer.finish(status)
        self.ended = True
        self.stopped = status == "stopped"
        if self.observer is not None:
            self.observer.operations(False)
        if (random := sys.modules.get("samebits.random.custom_ops")) is not None:
            random.observe(False)

    # -- what arrives ------------------------------------------------------------------------------
    def fact(self, detail: Detail, site: Site | None) -> None:
        """One piece of evidence (the sink of `probes`)."""
        if self.ended:
            return
        if isinstance(detail, (File, Listing, Load, Probe, Save, Write)) and detail.path is not None:
            detail = replace(detail, path=redacted_path(detail.path))
        at = self.observer.position() if self.observer is not None else 0
        fact = Fact(detail, site, at, self.step)
        if self.observer is None:
            self._early.append(fact)
        else:
            self.writer().facts([fact])
            if self.worker and time.monotonic() - self._committed > 0.2:
                self.flush()  # a worker takes no steps, and may be killed when its loader is done
        if site is not None:
            self._source(site.file)

    def may_become_another(self) -> None:
        """`os.exec` follows, which returns only where it fails."""
        if self.observer is not None and not self.ended and os.getpid() == self._pid:
            self.flush(whole=log.EXEC)

    @property
    def may_take_work(self) -> bool:
        """Whether this is a process that another made, to which work may come; torch may come with it."""
        return self.worker and not self.ended and os.getpid() == self._pid

    @property
    def may_be_ended(self) -> bool:
        """Whether this is a process that its parent may end once it needs no more of it."""
        return self._writer is not None and self.may_take_work

    def hand_over(self) -> None:
        """What this process has computed goes to another, or it waits for more to do."""
        if self._whole != log.HANDED or self.observer is None or self.observer.position() != self._handed:
            self.flush(whole=log.HANDED)

    def go_on(self) -> None:
        """There is more to do."""
        if self._whole == log.HANDED:
            self.flush()

    def took(self, work: bytes | None) -> None:
        """A pool's worker took work, of which this is a digest, or of which none is known."""
        if self._work is not None:
            self._work = None if work is None else blake2b(self._work + work, digest_size=16).digest()

    @contextmanager
    def unlocked(self, timeout: float) -> Iterator[bool]:
        """Whether no other thread is writing, or has stopped writing within ``timeout`` seconds."""
        free = self._lock.acquire(timeout=timeout)
        try:
            writer = self._writer
            yield free and (writer is None or writer.free(timeout))
        finally:
            if free:
                self._lock.release()

    def note(self, key: str, value: Any) -> None:
        """Something worth knowing of this process; goes with the next commit, so that a kill leaves it."""
        if key in _SAID:
            value = scrubbed(value)
        self._notes[key] = value
        if self._writer is not None:
            self._writer.note(key, value)

    def left_out(self, what: str) -> None:
        """Something that is not observed, said in the verdict."""
        known = self._notes.get("left_out", [])
        if what not in known:
            self.note("left_out", [*known, what])

    # -- writing -----------------------------------------------------------------------------------
    def writer(self) -> Writer:
        if self._writer is None:
            from samebits.record.writer import Writer

            name, number = self.process(), max(self._number, 1)
            while True:  # there may be several children of one name
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
            if self._told and name.rpartition("/")[2] in ("main", "child"):
                self._writer.note(log.WORK, self._told.hex())
            for key, value in self._notes.items():
                self._writer.note(key, value)
        return self._writer

    @property
    def schedule(self) -> Sequence[tuple[int, int]] | None:
        """The schedule this process follows, if an earlier run fixed it."""
        if self.plan.schedule is None:
            return None
        self.writer()
        return self.plan.schedule.get(self._key, ())

    def advance(self) -> None:
        """An optimizer step is complete: everything up to it survives a kill from here on."""
        self.flush(self.step + 1)
        self.step += 1
        self._count()
        self._zoom()

    def flush(self, steps: int | None = None, *, whole: str | None = None) -> None:
        """Hand what the observer holds to the writer and commit it.

        ``whole`` is the note by which that is the whole record, if this process ends before the next commit.
        """
        observer = self.observer
        if observer is None or os.getpid() != self._pid:
            return
        with self._lock:
            loading.flush()
            writer = self.writer()
            if self._whole not in (None, whole):
                self.note(self._whole, False)  # it did not come to that
            if whole is not None:
                self.note(whole, True)
                self._handed = observer.position()
            self._whole = whole
            if self._work != self._noted:
                self.note(log.WORK, None if self._work is None else self._work.hex())
                self._noted = self._work
            rows = observer.drain()
            names, sites = observer.tables()
            if names:
                writer.names(names)
            if sites:
                writer.sites([(i, self._relative(file), line, function) for i, file, line, function in sites])
                for _, file, _, _ in sites:
                    self._source(file)
            for thread, _, _, *columns, digests, inputs, generators, sources in rows:
                writer.chunk(
                    thread=thread,
                    step=self.step,
                    columns=dict(zip(_COLUMNS, columns, strict=True)),
                    digests=digests,
                    inputs=inputs,
                    generators=generators,
                    sources=sources,
                )
            if self.plan.capture_bytes:
                from samebits.observe.reference import DTYPES

                for thread, index, part, dtype, shape, data in observer.captured():
                    name = DTYPES[dtype] if dtype < len(DTYPES) else f"dtype{dtype}"
                    writer.value(thread=thread, index=index, part=part, dtype=name, shape=shape, data=data)
            writer.commit(steps=self.step if steps is None else steps)
            self._committed = time.monotonic()

    def _zoom(self) -> None:
        if self.observer is not None and self.plan.zoom is not None:
            first, last = self.plan.zoom
            on = self.worker or first <= self.step <= last  # a loader's worker takes no steps
            self.observer.zoom(on, self.plan.capture_bytes if on else 0)

    def _count(self) -> None:
        """The step count for the parent's progress line: eight bytes of a file both have mapped."""
        if self.worker or self.rank:
            return
        if self._counter is None:
            path = Path(self.plan.folder) / "progress"
            try:
                with open(path, "r+b" if path.exists() else "w+b", buffering=0) as f:
                    f.write(bytes(8))  # a page without a block would kill the program where the disk is full
                    self._counter = mmap.mmap(f.fileno(), 8)
            except OSError:
                return
        struct.pack_into("<Q", self._counter, 0, self.step)

    def _relative(self, file: str) -> str:
        """Relative to the folder the run began in, where it lies below it."""
        if file.startswith("<"):
            return file
        path = os.path.normpath(os.path.join(self._cwd, file))
        return path[len(self._cwd) + 1 :] if path.startswith(self._cwd + os.sep) else path

    def _source(self, file: str) -> None:
        """Keep the text of a user's source file, without secrets, so that a report can show lines anywhere.

        They are taken out here and not by the parent afterwards, which may be killed before it could.
        """
        if file in self._sources or file.startswith("<") or self._writer is None:
            return
        self._sources.add(file)
        path = os.path.join(self._cwd, file)
        try:
            found = os.stat(path)
            key = (path, found.st_mtime_ns, found.st_size)
            if found.st_size > 1 << 20:
                return
            if key not in self._texts:  # a forked worker has its parent's, and need not look again
                with open(path, encoding="utf-8", errors="replace") as f:
                    self._texts[key] = redact(f.read())
        except OSError:
            return
        self._writer.source(self._relative(file), self._texts[key])
