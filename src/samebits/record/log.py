"""The on-disk format of a record: tables, columns, version, and the checks that guard every row.

Written spec: docs/reference/format.md; change the two together.  The tables are
described as data so that the writer, the reader and the tests share one
description, and so that a reader can refuse anything that is not exactly this.

SQLite notices a torn file but not a flipped bit inside a value, and a flipped
bit in a digest would be a false verdict.  So every row carries a checksum of
itself (``head``; ``body`` for its blobs), salted per record so that pages of
another record never pass; and every transaction ends with a `commits` row that
counts the rows of every table.

This module imports nothing of torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal
from zlib import crc32

from samebits.model.events import STRUCTURE

APPLICATION_ID: Final = 0x53426974  # "SBit", in the SQLite header
VERSION: Final = 2  # user_version in the SQLite header; see "Evolution" in docs/reference/format.md

#: What a process that never closed its record leaves as its status.
RUNNING: Final = "running"
#: Completion note: the process became another program.  A record that is not closed is complete by it.
EXEC: Final = "exec"
#: Completion note: the process has written all that it computed, and sent its results.
RESULTS_SENT: Final = "handed"
#: The note with a digest of what the process had to do.  Of a command: its words, folder and variables.  Of a
#: pool's worker: the tasks it received.
TASKS: Final = "work"
#: Why such a record is incomplete, where nothing more is known.
UNCLOSED: Final = "its process did not close the record"

#: Bytes one event takes in an uncompressed structure, and in each per-event column of a chunk.
STRUCTURE_WIDTH: Final = sum(1 if code == "B" else 4 for _, code in STRUCTURE)
DIGEST_WIDTH: Final = 8
SITE_WIDTH: Final = 4
NORM_WIDTH: Final = 8

Kind = Literal["integer", "text", "blob"]
Cell = int | str | bytes | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.  ``text`` is TEXT, or a BLOB of its UTF-8 form where it has lone surrogates."""

    name: str
    kind: Kind
    null: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table.  Rows are only ever appended, with ids 1, 2, 3 ... without a gap."""

    name: str
    columns: tuple[Column, ...]
    plain: tuple[Column, ...] = field(init=False)  # integers and texts, in order
    blobs: tuple[Column, ...] = field(init=False)  # always the last columns of a row

    def __post_init__(self) -> None:
        object.__setattr__(self, "plain", tuple(c for c in self.columns if c.kind != "blob"))
        object.__setattr__(self, "blobs", tuple(c for c in self.columns if c.kind == "blob"))

    @property
    def checks(self) -> tuple[str, ...]:
        return ("head", "body") if self.blobs else ("head",)

    @property
    def create(self) -> str:
        """The statement that makes the table; a reader compares it with the file's, letter by letter."""
        rows = ["id INTEGER PRIMARY KEY"]
        rows += [f"{c.name} {c.kind.upper()}{'' if c.null else ' NOT NULL'}" for c in self.plain]
        rows += [f"{check} INTEGER NOT NULL" for check in self.checks]
        rows += [f"{c.name} BLOB{'' if c.null else ' NOT NULL'}" for c in self.blobs]
        return f"CREATE TABLE {self.name} ({', '.join(rows)})"

    @property
    def insert(self) -> str:
        """Replaces rather than inserts: a transaction that Ctrl-C cut off at its end is simply run again."""
        marks = ", ".join("?" * (1 + len(self.columns) + len(self.checks)))
        return f"INSERT OR REPLACE INTO {self.name} VALUES ({marks})"


def _table(name: str, *columns: str) -> Table:
    """``"at integer"``, ``"file text null"``, ``"digests blob"``."""
    made = []
    for column in columns:
        title, kind, *null = column.split()
        assert kind in ("integer", "text", "blob")
        made.append(Column(title, kind, bool(null)))  # type: ignore[arg-type]  # narrowed by the assert
    return Table(name, tuple(made))


#: Written when the file is made, one row.
RECORD: Final = _table("record", "salt integer", "process text", "rank integer", "manifest text", "plan text")
NAMES: Final = _table("names", "number integer", "content text")
SITES: Final = _table("sites", "number integer", "file text", "line integer", "function text")
STRUCTURES: Final = _table("structures", "count integer", "columns blob")
_CHUNKS_1: Final = (
    "thread integer",
    "step integer",
    "structure integer",
    "count integer",
    "digests blob",
    "inputs blob null",
    "generators blob null",
    "sources blob null",
)
CHUNKS: Final = _table("chunks", *_CHUNKS_1, "norms blob null")
FACTS: Final = _table(
    "facts",
    "kind text",
    "at integer",
    "step integer",
    "file text null",
    "line integer null",
    "function text null",
    "detail text",
)
LOSSES: Final = _table("losses", "step integer", "position integer", "value text null", "bits text")
OUTPUTS: Final = _table(
    "outputs", "thread integer", "position integer", "part integer", "dtype text", "shape text", "data blob"
)
SOURCES: Final = _table("sources", "path text", "content text")
NOTES: Final = _table("notes", "key text", "value text")

#: The tables a commit counts, in the order of its columns.
COUNTED: Final = (NAMES, SITES, STRUCTURES, CHUNKS, FACTS, LOSSES, OUTPUTS, SOURCES, NOTES)
COMMITS: Final = _table(
    "commits", "steps integer", "status text null", *(f"{table.name} integer" for table in COUNTED)
)

TABLES: Final = (RECORD, COMMITS, *COUNTED)


def tables(version: int) -> dict[str, Table]:
    """The tables of a record of that version, by name."""
    found = {table.name: table for table in TABLES}
    if version < 2:  # before chunks had norms
        found[CHUNKS.name] = _table(CHUNKS.name, *_CHUNKS_1)
    return found


def head(
    table: str, salt: int, row: int, cells: Iterable[Cell], blobs: Iterable[bytes | int | None] = ()
) -> int:
    """CRC-32 (from ``salt``) of a row's id, integers and texts and of the lengths of its blobs.

    A blob may be given as its length.  Neither NULL nor a separator inside a
    text can be confused with damage: this guards against accidents, not forgers.
    """
    parts = [table, str(row)]
    parts += ["-" if cell is None else str(cell) for cell in cells]
    parts += ["-" if b is None else str(b if isinstance(b, int) else len(b)) for b in blobs]
    return crc32("\x1f".join(parts).encode("utf-8", "surrogatepass"), salt)


def body(head: int, blobs: Iterable[bytes | None]) -> int:
    """CRC-32 (from the row's ``head``) of its blobs, one after the other."""
    for blob in blobs:
        if blob is not None:
            head = crc32(blob, head)
    return head
