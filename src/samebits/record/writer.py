"""Writes the record of one process: what is kept, in which order, and what happens when it cannot be.

Runs inside the observed program, so two things decide everything here.  It
never raises into the script: at the first error (a full disk, a bug) it stops
writing, remembers why in `Writer.incomplete`, and the script goes on.  A full disk takes
no more rows, so room for the reason is set aside beside the record from the start.  And a
commit is cheap: rows wait in memory and go to SQLite in one transaction per
step, in WAL mode without a synchronous write, which survives `kill -9` (not a
power cut; only `finish` asks the disk for that).  The file is locked by the
writer, so that SQLite needs no shared memory file and no lock calls per step.
"""

from __future__ import annotations

import ctypes
import functools
import json
import os
import sqlite3
import sys
import threading
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from hashlib import blake2b
from numbers import Integral, Real
from os import getpid, urandom  # bound here: the observer replaces the attributes of os
from pathlib import Path
from types import FrameType
from typing import Any, Concatenate, Final, ParamSpec

from samebits.model.events import STRUCTURE
from samebits.model.facts import Detail, Fact
from samebits.record import log, reason

#: Rows waiting for a commit go to disk anyway beyond this many bytes.
_PATIENCE: Final = 8 << 20
#: A captured output larger than this is left out; SQLite's own limit for a cell is 1e9.
_LARGEST_VALUE: Final = 256 << 20

_Row = tuple[tuple[log.Cell, ...], tuple[bytes | None, ...]]  # integers and texts; blobs
_P = ParamSpec("_P")


def _guarded(method: Callable[Concatenate[Writer, _P], None]) -> Callable[Concatenate[Writer, _P], None]:
    """Nothing of the writer's raises into the script, and nothing of a fork's parent is touched."""

    @functools.wraps(method)
    def guarded(self: Writer, /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        if self._pid != getpid():
            self.abandon()
        if self._stopped:
            return
        with self._lock:
            try:
                method(self, *args, **kwargs)
            except Exception as error:
                self._stop(error)

    return guarded


class Writer:
    """The record of one process, written to ``path`` (made at the first commit; it must not exist)."""

    def __init__(
        self, path: Path, *, process: str, rank: int, manifest: Mapping[str, Any], plan: Mapping[str, Any]
    ) -> None:
        self.incomplete: str | None = None  # why writing stopped early
        self._path = os.path.abspath(path)
        self._pid = getpid()
        self._lock = threading.RLock()
        self._stopped = False
        self._closed = False
        self._closing: str | None = None  # a status that `finish` was given from inside a flush
        self._connection: sqlite3.Connection | None = None
        self._salt = int.from_bytes(urandom(4), "little")
        self._record = (self._salt, _text(process), int(rank), _json(manifest), _json(plan))
        self._steps = 0
        self._committed = 0  # steps
        self._waiting = 0  # bytes
        self._pending: dict[str, list[_Row]] = {table.name: [] for table in log.COUNTED}
        self._totals = {table.name: 0 for table in (log.COMMITS, *log.COUNTED)}
        self._structures: dict[bytes, int] = {}  # hash of the columns -> id
        self._last: dict[int, tuple[dict[str, bytes], int]] = {}  # thread -> its last structure

    @_guarded
    def names(self, rows: Iterable[tuple[int, str]]) -> None:
        """Texts by the numbers that the columns ``name``, ``module`` and ``node`` use; 0 is none."""
        for number, content in rows:
            self._add(log.NAMES, (int(number), _text(content)))

    @_guarded
    def sites(self, rows: Iterable[tuple[int, str, int, str]]) -> None:
        """Source lines (number, file, line, function) by the numbers the column ``site`` uses."""
        for number, file, line, function in rows:
            self._add(log.SITES, (int(number), _text(file), int(line), _text(function)))

    @_guarded
    def chunk(
        self,
        *,
        thread: int,
        step: int,
        columns: Mapping[str, bytes],
        digests: bytes,
        inputs: bytes | None = None,
        generators: bytes | None = None,
        sources: bytes | None = None,
        norms: bytes | None = None,
    ) -> None:
        """The next events of one thread, packed little-endian: n * 8 bytes of digests, n * 4 of sources.

        norms: float64, one for each event of a gradient or a parameter.
        """
        count = len(digests) // log.DIGEST_WIDTH
        for blob, width in ((digests, 8), (inputs, 8), (generators, 8), (sources, 4)):
            if blob is not None and len(blob) != count * width:
                raise ValueError("a chunk's columns are of unequal length")
        last = self._last.get(thread)
        if last is not None and last[0] == columns:
            structure = last[1]
        else:
            structure = self._structure(columns, count)
            self._last[thread] = (dict(columns), structure)
        blobs = (digests, inputs, generators, sources, norms)
        self._add(log.CHUNKS, (int(thread), int(step), structure, count), blobs)

    @_guarded
    def facts(self, rows: Iterable[Fact[Detail]]) -> None:
        """Evidence.  Their ``process`` is the record's and is not stored."""
        for fact in rows:
            site: tuple[log.Cell, ...] = (None, None, None)
            if fact.site is not None:
                site = (_text(fact.site.file), int(fact.site.line), _text(fact.site.function))
            self._add(
                log.FACTS,
                (_text(fact.kind), int(fact.at), int(fact.step), *site, _json(fact.detail.as_json())),
            )

    @_guarded
    def loss(self, *, step: int, index: int, value: float | None, bits: str) -> None:
        """The exact value of a backward root; SQLite's REAL would lose a NaN and the sign of a zero."""
        number = None if value is None else float.__repr__(float(value))
        self._add(log.LOSSES, (int(step), int(index), number, _text(bits)))

    @_guarded
    def value(
        self, *, thread: int, index: int, part: int, dtype: str, shape: Sequence[int], data: bytes
    ) -> None:
        """The bytes of one output of one event.  One too large to keep is left out and noted."""
        if len(data) > _LARGEST_VALUE:
            text = f"output {part} of event {index}: {len(data)} bytes"
            self._add(log.NOTES, ("too_large", _json(text)))
            return
        cells = (int(thread), int(index), int(part), _text(dtype), _json([int(n) for n in shape]))
        self._add(log.OUTPUTS, cells, (data,))

    @_guarded
    def source(self, path: str, text: str) -> None:
        """The text of a user's source file."""
        self._add(log.SOURCES, (_text(path), _text(text)))

    @_guarded
    def note(self, key: str, value: Any) -> None:
        """Anything else worth knowing, as JSON.  The last note of a key counts."""
        self._add(log.NOTES, (_text(key), _json(value)))

    @_guarded
    def commit(self, *, steps: int) -> None:
        """``steps`` are finished: all that was given before survives the death of the process."""
        self._steps = int(steps)
        self._flush()

    def finish(self, status: str) -> None:
        """Closes the record: one plain file, on the disk.  Tries to, even where writing had stopped."""
        if self._pid != getpid():
            self.abandon()
            return
        with self._lock:
            connection = self._connection
            if connection is not None and connection.in_transaction and self._nested():
                self._closing = status
                return
            if self._closed:
                return
            try:
                self._flush(_text(status))
            except Exception as error:
                self._stop(error)
            self._close()

    def free(self, timeout: float) -> bool:
        """Whether no other thread is writing, or has stopped within ``timeout`` seconds."""
        free = self._lock.acquire(timeout=timeout)
        if free:
            self._lock.release()
        return free

    def abandon(self) -> None:
        """Lets go of the connection without touching the files: for a forked child, which must not.

        Closing, or the interpreter's own clean-up, would run SQLite's close in the
        child, on its parent's file.  So the object is leaked on purpose.
        https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_
        """
        self._stopped = self._closed = True
        self._lock = threading.RLock()  # a thread that does not exist here may hold the old one
        if self._connection is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))
            self._connection = None
        self._pid = getpid()

    def _add(
        self, table: log.Table, cells: tuple[log.Cell, ...], blobs: tuple[bytes | None, ...] = ()
    ) -> None:
        self._pending[table.name].append((cells, blobs))
        for blob in blobs:
            if blob is not None:
                self._waiting += len(blob)
        if table is not log.CHUNKS:
            self._waiting += 100 + sum(len(cell) for cell in cells if isinstance(cell, str))
        if self._waiting > _PATIENCE:
            self._flush()

    def _structure(self, columns: Mapping[str, bytes], count: int) -> int:
        """The id of these columns, which are stored once."""
        for name, code in STRUCTURE:
            if len(columns[name]) != count * (1 if code == "B" else 4):
                raise ValueError(f"a chunk's column {name} is of unequal length")
        packed = b"".join(columns[name] for name, _ in STRUCTURE)
        key = blake2b(packed, digest_size=16).digest()
        if key not in self._structures:
            self._add(log.STRUCTURES, (count,), (zlib.compress(packed, 1),))
            rows = self._pending[log.STRUCTURES.name]
            self._structures[key] = self._totals[log.STRUCTURES.name] + len(rows)
        return self._structures[key]

    def _flush(self, status: str | None = None) -> None:
        """One transaction: everything that waits, and the row that counts it.

        Ctrl-C may raise anywhere in here.  What waits is let go of in one
        statement after the commit; until then the same rows go with the next
        flush, under the same ids, which replaces them by themselves.
        """
        connection = self._connection or self._create()
        if connection.in_transaction:
            if self._nested():  # a signal handler's rows go with the next commit
                return
            connection.rollback()
        try:
            connection.execute("BEGIN")
            totals = dict(self._totals)
            taken = {}
            for table in log.COUNTED:
                rows = self._pending[table.name]
                taken[table.name] = len(rows)
                if rows:
                    first = totals[table.name] + 1
                    totals[table.name] += len(rows)
                    sealed = [self._seal(table, first + i, *row) for i, row in enumerate(rows)]
                    connection.executemany(table.insert, sealed)
            totals[log.COMMITS.name] += 1
            commit = (self._steps, status, *[totals[table.name] for table in log.COUNTED])
            sealed_commit = self._seal(log.COMMITS, totals[log.COMMITS.name], commit, ())
            connection.execute(log.COMMITS.insert, sealed_commit)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.rollback()
            raise
        left = {name: rows[taken[name] :] for name, rows in self._pending.items()}
        self._totals, self._pending, self._waiting, self._committed = totals, left, 0, self._steps
        if self._closing is not None:
            status, self._closing = self._closing, None
            self.finish(status)

    def _nested(self) -> bool:
        """Whether this is a signal handler that interrupted a flush."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            if frame.f_code is Writer._flush.__code__ and frame.f_locals.get("self") is self:
                return True
            frame = frame.f_back
        return False

    def _seal(
        self, table: log.Table, row: int, cells: tuple[log.Cell, ...], blobs: tuple[bytes | None, ...]
    ) -> tuple[log.Cell, ...]:
        """A row as it is stored: with its id, its checks, and texts that SQLite cannot hold as blobs."""
        head = log.head(table.name, self._salt, row, cells, blobs)
        stored = tuple([_storable(cell) if type(cell) is str else cell for cell in cells])
        if blobs:
            return (row, *stored, head, log.body(head, blobs), *blobs)
        return (row, *stored, head)

    def _create(self) -> sqlite3.Connection:
        """Makes the file under another name first: whoever sees the record sees a whole one."""
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        if os.path.lexists(self._path):
            raise FileExistsError("the file exists already")
        part = self._path + ".part"
        if os.path.lexists(part):
            os.unlink(part)
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            connection.execute("PRAGMA page_size = 4096")
            connection.execute("PRAGMA encoding = 'UTF-8'")
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN")
            connection.execute(f"PRAGMA application_id = {log.APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {log.VERSION}")
            for table in log.TABLES:
                connection.execute(table.create)
            connection.execute(log.RECORD.insert, self._seal(log.RECORD, 1, self._record, ()))
            connection.execute("COMMIT")
        reason.set_aside(self._path)
        os.rename(part, self._path)
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=1)
        self._connection = connection
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    def _stop(self, error: Exception) -> None:
        """No more rows from here on; says so in the record, if there is room for that."""
        if self.incomplete is None:
            self.incomplete = reason.of(error)
            reason.keep(self._path, self.incomplete)
        self._stopped = True
        self._steps = self._committed
        self._last = {}
        self._structures = {}
        self._pending = {table.name: [] for table in log.COUNTED}
        self._pending[log.NOTES.name].append((("incomplete", _json(self.incomplete)), ()))
        try:
            self._flush()
        except Exception:  # on a full disk the missing last commit says as much to the reader
            self._pending[log.NOTES.name] = [(("incomplete", _json(self.incomplete)), ())]

    def _close(self) -> None:
        """Folds the log into the file and lets go of it."""
        self._stopped = self._closed = True
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
        except sqlite3.Error:  # the reader copes with a log left beside the file
            pass
        try:
            connection.close()
        except sqlite3.Error:
            pass
        if self.incomplete is None:
            reason.drop(self._path)


def _text(value: str) -> str:
    """A plain str: a subclass may print as something else than it holds."""
    if type(value) is str:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"expected text, got {type(value).__name__}")


def _storable(text: str) -> str | bytes:
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def _json(value: Any) -> str:
    """JSON text; what JSON cannot say becomes a word, without running code of the user's objects."""
    if isinstance(value, Mapping) and not isinstance(value, dict):
        value = dict(value)
    try:
        return json.dumps(value, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        return json.dumps({"unwritable": type(error).__name__})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    return f"<{type(value).__name__}>"
