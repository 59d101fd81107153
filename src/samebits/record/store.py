"""Reads checked rows out of a record's SQLite file, be it truncated, corrupted, foreign or hostile.

Nothing beside the record is written or locked: a file without a write-ahead
log is opened as immutable, so a read-only medium will do; one with a log (its
process died, or still runs) is copied, with its log, to a temporary directory
and read there.  Everything SQLite hands over is checked against log.py: the
schema letter by letter, the type of every cell, ids without a gap, the
checksums, and sizes that the file can really hold.  Whatever is wrong becomes
a `RecordError`.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from samebits.errors import RecordError
from samebits.record import log

#: How often a copy is tried again because the process that writes it was faster.
_TRIES: Final = 20
#: A write-ahead log begins with one of these: https://www.sqlite.org/fileformat2.html#walformat
_LOG_BEGINS: Final = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")


def shown(text: object) -> str:
    """A text out of a record or the file system, fit for a terminal: no escapes, not endless."""
    plain = str(text)
    if not plain.isprintable():
        plain = ascii(plain)
    return plain if len(plain) <= 200 else plain[:197] + "..."


class Store:
    """The checked rows of one file.  ``size`` bounds everything that is read out of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.totals: dict[str, int] = {}  # table -> rows, once the last commit is known
        self._salt = 0
        self._tables = log.tables(log.VERSION)  # as this record's version has them
        self._temporary: weakref.finalize[..., Store] | None = None
        with self._reading():
            self.size = self._look()
            self._connection = self._connect()
            try:
                self._settle()
                self._check_schema()
                self._check_record()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Closes the file and removes its copy, if one was made."""
        self._connection.close()
        if self._temporary is not None:
            self._temporary()

    def damaged(self, what: str) -> RecordError:
        """The error for a file that is a record but is not right."""
        return RecordError(f"the record {shown(self.path)} is damaged: {what}")

    def rows(self, table: log.Table) -> list[tuple[log.Cell, ...]]:
        """All rows of a table: id, integers and texts, then head, body and the length of each blob.

        A blob that came with a later version than the record's is missing.
        """
        with self._reading():
            return list(self._rows(self._tables[table.name]))

    def some_rows(self, table: log.Table, most: int) -> list[tuple[log.Cell, ...]]:
        """As `rows`: at most so many, the first and the last among them and the others evenly between."""
        total = self.totals[table.name]
        if total <= most:
            return self.rows(table)
        ids = sorted({1 + i * (total - 1) // max(1, most - 1) for i in range(most)})
        with self._reading():
            return list(self._rows(self._tables[table.name], ids))

    def blobs(self, table: log.Table, row: int, head: int, body: int) -> tuple[bytes | None, ...]:
        """The blobs of one row, by its checks; without those of later versions."""
        table = self._tables[table.name]
        names = ", ".join(column.name for column in table.blobs)
        with self._reading():
            query = f"SELECT {names} FROM {table.name} WHERE id = ?"
            found = self._connection.execute(query, (row,)).fetchone()
        if found is None or log.body(head, [b if isinstance(b, bytes) else None for b in found]) != body:
            raise self.damaged(f"row {row} of {table.name} is not what was written")
        return tuple(found)

    def last_commit(self) -> tuple[int, str | None]:
        """Finished steps and the closing status, of the last transaction; also sets `totals`."""
        with self._reading():
            names = ", ".join(column.name for column in log.COMMITS.plain)
            query = f"SELECT id, {names}, head FROM commits ORDER BY id DESC LIMIT 1"
            found = self._connection.execute(query).fetchone()
            if found is None:
                self.totals = {table.name: 0 for table in log.COUNTED}
                return 0, None
            row, *cells, head = found
            self._check_row(log.COMMITS, row, cells, head, [])
        steps, status, *counts = cells
        if any(count < 0 for count in (steps, *counts)):
            raise self.damaged("its last commit has a negative count")
        self.totals = dict(zip((table.name for table in log.COUNTED), counts, strict=True))
        return steps, status

    def _look(self) -> int:
        """Bytes of the file and its log; refuses what is certainly not a record before SQLite sees it."""
        found = os.stat(self.path)
        if not stat.S_ISREG(found.st_mode):
            raise RecordError(f"{shown(self.path)} is not a file")
        with open(self.path, "rb") as file:
            start = file.read(16)
        if start != b"SQLite format 3\0":
            what = "it is empty" if not start else "it does not begin as one"
            raise RecordError(f"{shown(self.path)} is not a record: {what}")
        self._log = Path(f"{self.path}-wal")
        self._log_counts = True
        try:
            found_log = os.stat(self._log)
        except FileNotFoundError:
            return found.st_size
        if not stat.S_ISREG(found_log.st_mode):
            raise RecordError(f"{shown(self._log)} is not a file")
        if self._log_header()[:4] not in _LOG_BEGINS:  # SQLite would not read it, so it is not copied either
            self._log_counts = False
            return found.st_size
        return found.st_size + found_log.st_size

    def _connect(self) -> sqlite3.Connection:
        if self._log_counts and self._log.exists() and self._log.stat().st_size:
            copy = self._copy()
            connection = sqlite3.connect(copy, isolation_level=None, check_same_thread=False)
        else:
            address = f"{self.path.absolute().as_uri()}?mode=ro&immutable=1"
            connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, min(self.size + 65536, 1 << 30))
        return connection

    def _copy(self) -> Path:
        """A private copy of file and log.

        The file first, then the log: while both are copied the owner may move
        pages from the log into the file, which only repeats what the log says,
        unless the log was begun anew meanwhile, which its first 32 bytes tell.
        https://www.sqlite.org/fileformat2.html#the_write_ahead_log
        """
        directory = tempfile.mkdtemp(prefix="samebits-")
        self._temporary = weakref.finalize(self, shutil.rmtree, directory, True)
        try:
            if self.size > shutil.disk_usage(directory).free // 2:
                raise RecordError(f"no room in {shown(directory)} to read a copy of {shown(self.path)}")
            copy = Path(directory, "record.db")
            for _ in range(_TRIES):
                begun = self._log_header()
                shutil.copyfile(self.path, copy)
                try:
                    shutil.copyfile(self._log, f"{copy}-wal")
                except FileNotFoundError:  # its owner has just finished
                    Path(f"{copy}-wal").unlink(missing_ok=True)
                if self._log_header() == begun:
                    return copy
            raise RecordError(f"the record {shown(self.path)} is being written too fast to be read")
        except BaseException:
            self._temporary()
            raise

    def _log_header(self) -> bytes:
        try:
            with open(self._log, "rb") as file:
                return file.read(32)
        except FileNotFoundError:
            return b""

    def _settle(self) -> None:
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # of a copy: no shared memory file
        self._connection.execute("PRAGMA trusted_schema = OFF")
        self._connection.execute("PRAGMA cell_size_check = ON")
        self._connection.execute("PRAGMA query_only = ON")

    def _check_schema(self) -> None:
        application = self._connection.execute("PRAGMA application_id").fetchone()[0]
        if application != log.APPLICATION_ID:
            raise RecordError(f"{shown(self.path)} is an SQLite file, but not a record of samebits")
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > log.VERSION:
            raise RecordError(
                f"the record {shown(self.path)} has format {version}, this samebits reads up to "
                f"{log.VERSION}; upgrade samebits"
            )
        if version < 1:
            raise self.damaged(f"its format version is {version}")
        self._tables = log.tables(version)
        expected = {table.name: table.create for table in self._tables.values()}
        for kind, name, sql in self._connection.execute("SELECT type, name, sql FROM sqlite_master"):
            if kind != "table" or name not in expected or sql != expected.pop(name):
                raise self.damaged(f"it holds the {shown(kind)} {shown(name)}, which a record does not have")
        if expected:
            raise self.damaged(f"it lacks the table {min(expected)}")

    def _check_record(self) -> None:
        found = self._connection.execute("SELECT salt FROM record WHERE id = 1").fetchone()
        if found is None or type(found[0]) is not int or not 0 <= found[0] < 1 << 32:
            raise self.damaged("it does not say whose record it is")
        self._salt = found[0]
        self.totals[log.RECORD.name] = 1

    def _rows(self, table: log.Table, ids: Sequence[int] | None = None) -> Iterator[tuple[log.Cell, ...]]:
        """The checked rows of these ids; of all."""
        names = ["id", *(column.name for column in table.plain), *table.checks]
        for column in table.blobs:  # typeof and length of a column do not read its content
            length = f"WHEN 'blob' THEN length({column.name}) WHEN 'null' THEN NULL ELSE -1"
            names.append(f"CASE typeof({column.name}) {length} END")
        plain = len(table.plain)
        expected = iter(range(1, self.size) if ids is None else ids)
        count = 0
        room = self.size
        where = "" if ids is None else f" WHERE id IN ({', '.join(map(str, ids))})"
        query = f"SELECT {', '.join(names)} FROM {table.name}{where} ORDER BY id"
        for row, *cells in self._connection.execute(query):
            if row != (wanted := next(expected, 0)):
                raise self.damaged(f"row {wanted} of {table.name} is missing")
            lengths = cells[plain + len(table.checks) :]
            values = cells[:plain]
            self._check_row(table, row, values, cells[plain], lengths)
            count += 1
            for cell in values:
                room -= len(cell) if isinstance(cell, str) else 0
            room -= sum(length or 0 for length in lengths)
            if room < 0:
                raise self.damaged(f"{table.name} claims to hold more than the file")
            yield (row, *values, *cells[plain:])
        written = self.totals[table.name] if ids is None else len(ids)
        if count != written:
            raise self.damaged(f"{table.name} has {count} rows, {written} were written")

    def _check_row(
        self, table: log.Table, row: object, cells: list[log.Cell], head: object, lengths: list[int | None]
    ) -> None:
        """Types and checksum of a row; turns texts stored as blobs into texts, in place."""
        right = type(row) is int and type(head) is int
        for i, column in enumerate(table.plain):
            cell = cells[i]
            if column.kind == "text" and isinstance(cell, bytes):
                try:
                    cell = cells[i] = cell.decode("utf-8", "surrogatepass")
                except UnicodeDecodeError:
                    right = False
            wanted = int if column.kind == "integer" else str
            right = right and (type(cell) is wanted or (cell is None and column.null))
        for column, length in zip(table.blobs, lengths, strict=False):
            right = right and (column.null if length is None else length >= 0)
        if not right or log.head(table.name, self._salt, int(str(row)), cells, lengths) != head:
            raise self.damaged(f"row {shown(row)} of {table.name} is not what was written")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise RecordError(f"there is no record {shown(self.path)}") from None
        except OSError as error:
            raise RecordError(f"cannot read the record {shown(self.path)}: {error.strerror}") from error
        except (sqlite3.Error, sqlite3.Warning, MemoryError) as error:
            raise self.damaged(shown(error)) from error
        except (ValueError, OverflowError) as error:  # a NUL in the path
            raise RecordError(f"cannot read the record {shown(self.path)}: {shown(error)}") from error
