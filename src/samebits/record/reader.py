"""Reads the record of one process: what the numbers in its columns mean, and what may be believed.

No torch, no numpy, and nothing of a record is executed.  Content is loaded when
asked for: opening reads the header and the last commit; a chunk's digests are
read when they are looked at; a structure is unpacked once.  Two records are
compared chunk by chunk, by `Record.identity` and the chunks' digests, which are
bytes: events are unpacked only where those differ.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Literal, Self

from samebits.manifest.manifest import Manifest
from samebits.model import facts
from samebits.model.events import KINDS, PARTIAL, PHASES, RANDOM, Event
from samebits.model.facts import Detail, Fact
from samebits.model.sites import Site
from samebits.record import fields, log, reason
from samebits.record.chunks import Chunk, Packed
from samebits.record.store import Store, shown
from samebits.record.structure import Columns, unpack
from samebits.record.values import Loss, Value

#: Unpacked structures and loaded chunks kept: enough for two steps side by side.
_KEPT: Final = 64
#: Beyond these, a number in a record is none that an observer wrote.
_ANY: Final = 1 << 62
_LINES: Final = 1 << 31
_THREADS: Final = 1 << 31
_DIMENSIONS: Final = 64
_ELEMENT: Final = 64  # bytes
_BITS: Final = re.compile(r"(?:[0-9a-f]{2}){0,64}")


class Record:
    """The record of one process.  Raises `RecordError` where the file is not what was written."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.path = store.path
        header = store.rows(log.RECORD)[0]
        self.process: str = _str(header[2])
        self.rank: int = self._range("a rank", header[3])
        self.manifest = Manifest(self._object("manifest", header[4]))
        self.plan: dict[str, Any] = self._object("plan", header[5], fields.PLAN)
        self.steps, status = store.last_commit()
        self.status: str = log.RUNNING if status is None else status
        self.notes: dict[str, Any] = {}
        for _, key, value, _ in store.rows(log.NOTES):
            self.notes[_str(key)] = self._json("a note", value)
        if (name := fields.wrong(self.notes, fields.NOTES)) is not None:
            raise store.damaged(f"its note {name} is {shown(self.notes[name])}")
        full = self.notes.pop("manifest", None)  # what may only be asked once the program is under way
        if isinstance(full, dict):
            self.manifest.update(full)
        if status is None and True in (self.notes.get(log.EXEC), self.notes.get(log.RESULTS_SENT)):
            self.status = "finished"
        elif status is None:
            self.notes.setdefault("incomplete", shown(reason.kept(self.path) or log.UNCLOSED))
        self._streams: dict[int, list[Chunk]] | None = None
        self._shapes: list[tuple[int, int, int]] = []  # per structure: count, head, body
        self._names: dict[int, str] | None = None
        self._sites: dict[int, Site] | None = None
        self._values: dict[tuple[int, int, int], tuple[Any, ...]] | None = None
        self._identities: dict[int, bytes] = {}
        self._columns: dict[int, Columns] = {}
        self._loaded: dict[int, Packed] = {}

    @classmethod
    def open(cls, path: Path) -> Record:
        """The record at ``path``.

        Raises:
            RecordError: it is missing, not a record, damaged, or of a newer format.
        """
        store = Store(Path(path))
        try:
            return cls(store)
        except BaseException:
            store.close()
            raise

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def events_total(self) -> int:
        """Events of all threads."""
        return sum(chunk.count for stream in self._load_streams().values() for chunk in stream)

    def threads(self) -> list[int]:
        """The threads that have events; 0 is the main one."""
        return sorted(self._load_streams())

    def chunks(self, thread: int) -> Sequence[Chunk]:
        """The chunks of a thread in order; none for a thread without events."""
        return self._load_streams().get(thread, [])

    def identity(self, structure: int) -> bytes:
        """16 bytes of hash over (kind, name, flags) of each event as text, PARTIAL and RANDOM aside.

        Equal, also across records and machines, exactly when the events are the same in the same order.
        """
        if structure not in self._identities:
            columns = self._unpack(structure)
            parts: dict[tuple[int, int, int], bytes] = {}
            hashed = blake2b(digest_size=16)
            for event in zip(columns.kind, columns.name, columns.flags, strict=True):
                if event not in parts:
                    name = self._name(event[1]).encode("utf-8", "surrogatepass")
                    start = f"{KINDS[event[0]]} {event[2] & ~(PARTIAL | RANDOM)} {len(name)} "
                    parts[event] = start.encode() + name
                hashed.update(parts[event])
            self._identities[structure] = hashed.digest()
        return self._identities[structure]

    def event(self, thread: int, index: int) -> Event:
        """One event by its place in its thread's stream."""
        for event in self.events(thread, index, index + 1):
            return event
        raise self._store.damaged(f"it has no event {index} in thread {thread}")

    def events(self, thread: int, start: int = 0, stop: int | None = None) -> Iterator[Event]:
        """The events ``start`` to ``stop`` of a thread, as far as there are any."""
        chunks = self.chunks(thread)
        first = max(0, bisect_right(chunks, start, key=lambda chunk: chunk.start) - 1)
        for chunk in chunks[first:]:
            if stop is not None and chunk.start >= stop:
                return
            columns = self._unpack(chunk.structure)
            packed = self.packed(chunk)
            end = chunk.count if stop is None else min(chunk.count, stop - chunk.start)
            for i in range(max(0, start - chunk.start), end):
                yield self._resolve(chunk, columns, packed, i)

    def facts(self, *, upto: int | None = None) -> list[Fact[Detail]]:
        """The evidence in the order it was written; with ``upto``, what happened at that event or before."""
        found = []
        for row in self._store.rows(log.FACTS):
            _, kind, at, step, file, line, function, detail, _ = row
            at, step = self._range("the place of a fact", at), self._range("the step of a fact", step)
            if upto is not None and at > upto:
                continue
            site = None
            if file is not None:
                site = Site(
                    _str(file), self._range("the line of a fact", line or 0, _LINES), _str(function or "")
                )
            name = _str(kind)
            values = self._object(f"a fact of kind {shown(kind)}", detail, fields.of_fact(name))
            found.append(Fact(facts.made(name, values), site, at, step, self.process))
        return found

    def losses(self, most: int | None = None) -> list[Loss]:
        """The backward roots in order; at most so many, evenly spread."""
        found = []
        rows = self._store.rows(log.LOSSES) if most is None else self._store.some_rows(log.LOSSES, most)
        for _, step, index, value, bits, _ in rows:
            try:
                number = None if value is None else float(_str(value))
            except ValueError:
                raise self._store.damaged(f"a loss is {shown(value)}") from None
            if not _BITS.fullmatch(_str(bits)):
                raise self._store.damaged(f"the bits of a loss are {shown(bits)}")
            step, index = self._range("the step of a loss", step), self._range("the place of a loss", index)
            found.append(Loss(step, index, number, _str(bits)))
        return found

    def value(self, thread: int, index: int, part: int = 0) -> Value | None:
        """A captured output, or None where it was not captured."""
        if self._values is None:
            rows = self._store.rows(log.OUTPUTS)
            self._values = {(_int(row[1]), _int(row[2]), _int(row[3])): row for row in rows}
            for key in self._values:
                if not all(0 <= number < _ANY for number in key):
                    raise self._store.damaged(f"an output has the place {key}")
        row = self._values.get((thread, index, part))
        if row is None:
            return None
        shape = self._json("a shape", row[5])
        whole = isinstance(shape, list) and len(shape) <= _DIMENSIONS
        if not whole or not all(type(n) is int and 0 <= n < _ANY for n in shape):
            raise self._store.damaged(f"a shape is {shown(row[5])}")
        (data,) = self._store.blobs(log.OUTPUTS, row[0], row[6], row[7])
        value = Value(_str(row[4]), tuple(shape), data or b"")
        elements = math.prod(value.shape)
        if elements > 8 * len(value.data) or (elements and len(value.data) > _ELEMENT * elements):
            raise self._store.damaged(f"an output of shape {list(value.shape)} has {len(value.data)} bytes")
        return value

    def sources(self) -> dict[str, str]:
        """The user's source files: path -> text."""
        return {_str(path): _str(text) for _, path, text, _ in self._store.rows(log.SOURCES)}

    def columns(self, structure: int) -> Columns:
        """The columns of a structure, unpacked; names are numbers, see `name`."""
        return self._unpack(structure)

    def name(self, number: int) -> str:
        """The text of a number in the columns `name`, `module` and `node`; 0 is ""."""
        return self._name(number)

    def site(self, number: int) -> Site | None:
        """The line of a number in the column `site`; None where it is not known."""
        return self._site(number)

    def packed(self, chunk: Chunk) -> Packed:
        """The packed columns of a chunk; use the properties of `Chunk`."""
        if chunk.row not in self._loaded:
            blobs = self._store.blobs(log.CHUNKS, chunk.row, *chunk.checks)
            if len(self._loaded) >= 2:
                self._loaded.clear()
            self._loaded[chunk.row] = Packed(blobs[0] or b"", *blobs[1:])
        return self._loaded[chunk.row]

    def _load_streams(self) -> dict[int, list[Chunk]]:
        if self._streams is not None:
            return self._streams
        for row in self._store.rows(log.STRUCTURES):
            count = _int(row[1])
            if not 0 <= count <= self._store.size // log.DIGEST_WIDTH:
                raise self._store.damaged(f"a structure claims {count} events")
            self._shapes.append((count, _int(row[2]), _int(row[3])))
        streams: dict[int, list[Chunk]] = {}
        ends: dict[int, int] = {}
        for row in self._store.rows(log.CHUNKS):
            number, thread, step, structure, count, head, body = [_int(cell) for cell in row[:7]]
            if not (0 <= thread < _THREADS and 0 <= step < _ANY and count >= 0):
                raise self._store.damaged(
                    f"chunk {number} has thread {thread}, step {step} and {count} events"
                )
            widths = (log.DIGEST_WIDTH, log.DIGEST_WIDTH, log.DIGEST_WIDTH, log.SITE_WIDTH)
            lengths = zip(row[7:11], widths, strict=True)
            if any(length not in (None, count * width) for length, width in lengths):
                raise self._store.damaged(f"chunk {number} has columns of unequal length")
            if not 1 <= structure <= len(self._shapes) or self._shapes[structure - 1][0] != count:
                raise self._store.damaged(f"chunk {number} has a structure that does not fit it")
            start = ends.get(thread, 0)
            ends[thread] = start + count
            chunk = Chunk(self, number, thread, step, start, count, structure, (head, body))
            streams.setdefault(thread, []).append(chunk)
        self._streams = streams
        return streams

    def _unpack(self, structure: int) -> Columns:
        """The columns of a structure."""
        if structure in self._columns:
            return self._columns[structure]
        self._load_streams()
        if not 1 <= structure <= len(self._shapes):
            raise self._store.damaged(f"it has no structure {structure}")
        count, head, body = self._shapes[structure - 1]
        (blob,) = self._store.blobs(log.STRUCTURES, structure, head, body)
        try:
            columns = unpack(blob or b"", count)
        except ValueError as error:
            raise self._store.damaged(f"structure {structure}: {error}") from None
        if len(self._columns) >= _KEPT:
            self._columns.clear()
        if any(kind >= len(KINDS) for kind in columns.kind):
            raise self._store.damaged(f"structure {structure} has a kind that only a newer samebits may know")
        if any(phase >= len(PHASES) for phase in columns.phase):
            raise self._store.damaged(
                f"structure {structure} has a phase that only a newer samebits may know"
            )
        self._columns[structure] = columns
        return columns

    def _resolve(self, chunk: Chunk, columns: Columns, packed: Packed, i: int) -> Event:
        generator = _number(packed.generators, i, 8)
        source = _number(packed.sources, i, 4)
        digest = _number(packed.digests, i, 8)
        assert digest is not None  # digests are never NULL
        return Event(
            index=chunk.start + i,
            kind=KINDS[columns.kind[i]],
            name=self._name(columns.name[i]),
            phase=PHASES[columns.phase[i]],
            step=chunk.step,
            flags=columns.flags[i],
            digest=digest,
            thread=chunk.thread,
            site=self._site(columns.site[i]),
            module=self._name(columns.module[i]) if columns.module[i] else None,
            node=self._name(columns.node[i]) if columns.node[i] else None,
            inputs=_number(packed.inputs, i, 8),
            generator=generator or None,
            source=self._site(source) if source else None,
        )

    def _name(self, number: int) -> str:
        if self._names is None:
            rows = self._store.rows(log.NAMES)
            self._names = {
                0: "",
                **{self._range("the number of a name", row[1]): _str(row[2]) for row in rows},
            }
            if len(self._names) <= len(rows) or self._names[0]:
                raise self._store.damaged("two of its names have one number")
        try:
            return self._names[number]
        except KeyError:
            raise self._store.damaged(f"an event has name {number}, which is not there") from None

    def _site(self, number: int) -> Site | None:
        if number == 0:
            return None
        if self._sites is None:
            rows = self._store.rows(log.SITES)
            self._sites = {
                _int(row[1]): Site(_str(row[2]), self._range("a line", row[3], _LINES), _str(row[4]))
                for row in rows
            }
            if len(self._sites) < len(rows):
                raise self._store.damaged("two of its lines have one number")
        try:
            return self._sites[number]
        except KeyError:
            raise self._store.damaged(f"an event has site {number}, which is not there") from None

    def _json(self, what: str, text: log.Cell) -> Any:
        try:
            return fields.parsed(_str(text))
        except ValueError as error:
            raise self._store.damaged(f"{what} is not JSON: {shown(error)}") from None

    def _object(
        self, what: str, text: log.Cell, table: Mapping[str, fields.Check] = MappingProxyType({})
    ) -> dict[str, Any]:
        value = self._json(what, text)
        if not isinstance(value, dict):
            raise self._store.damaged(f"{what} is not an object")
        if (name := fields.wrong(value, table)) is not None:
            raise self._store.damaged(f"{what} has {shown(value[name])} as its {name}")
        return value

    def _range(self, what: str, cell: log.Cell, end: int = _ANY) -> int:
        number = _int(cell)
        if not 0 <= number < end:
            raise self._store.damaged(f"{what} is {number}")
        return number


def _int(cell: log.Cell) -> int:
    assert isinstance(cell, int)  # the store has checked the type of every cell
    return cell


def _str(cell: log.Cell) -> str:
    assert isinstance(cell, str)
    return cell


def _number(column: bytes | None, i: int, width: Literal[4, 8]) -> int | None:
    return None if column is None else int.from_bytes(column[i * width : i * width + width], "little")
