"""What `compare` needs of a record, and one thread's events as a stream that is read chunk by chunk.

The protocols are the whole of what this room asks of `samebits.record.reader`: tests pass in-memory
records, and a reader of another format could take its place.  `Stream` answers "event number i" out of
a small cache, so that comparing two long runs never holds more than a few chunks of resolved events.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from samebits.causes._base import Event, Fact
from samebits.record.events import PARTIAL

_CACHED_CHUNKS: Final = 6
#: Kinds of event that only training has.
TRAINING: Final = frozenset({"loss", "gradient", "parameter"})


class ChunkLike(Protocol):
    @property
    def step(self) -> int: ...
    @property
    def start(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def structure(self) -> int: ...
    @property
    def digests(self) -> bytes: ...


class ValueLike(Protocol):
    @property
    def dtype(self) -> str: ...
    @property
    def shape(self) -> Sequence[int]: ...
    @property
    def data(self) -> bytes: ...


class LossLike(Protocol):
    @property
    def index(self) -> int: ...
    @property
    def value(self) -> float | None: ...
    @property
    def bits(self) -> str: ...


class RecordLike(Protocol):
    @property
    def process(self) -> str: ...
    @property
    def rank(self) -> int: ...
    @property
    def manifest(self) -> Mapping[str, Any]: ...
    @property
    def status(self) -> str: ...
    @property
    def steps(self) -> int: ...
    @property
    def notes(self) -> Mapping[str, Any]: ...
    def threads(self) -> Sequence[int]: ...
    def chunks(self, thread: int, /) -> Sequence[ChunkLike]: ...
    def identity(self, structure: int, /) -> bytes: ...
    def events(self, thread: int, start: int = 0, stop: int | None = None, /) -> Iterator[Event]: ...
    def facts(self) -> Sequence[Fact]: ...
    def losses(self) -> Sequence[LossLike]: ...
    def value(self, thread: int, index: int, part: int = 0, /) -> ValueLike | None: ...
    def sources(self) -> Mapping[str, str]: ...


class RunLike(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def info(self) -> Mapping[str, Any]: ...
    @property
    def records(self) -> Mapping[str, RecordLike]: ...


class Stream:
    """One thread of one record."""

    def __init__(self, record: RecordLike, thread: int, *, empty: bool = False) -> None:
        """``empty`` stands for a thread or process that the other run does not have."""
        self.record = record
        self.thread = thread
        self.chunks = [] if empty else list(record.chunks(thread))
        self.starts = [chunk.start for chunk in self.chunks]
        self.length = self.chunks[-1].start + self.chunks[-1].count if self.chunks else 0
        self._cache: OrderedDict[int, list[Event]] = OrderedDict()
        self._mute: dict[int, frozenset[int]] = {}
        self._kinds: Counter[str] | None = None

    def chunk_starting(self, index: int) -> ChunkLike | None:
        """The chunk whose first event is number ``index``, or None."""
        place = bisect_right(self.starts, index) - 1
        # An empty chunk shares its start with the next one; bisect_right finds the last, the one with events.
        return self.chunks[place] if place >= 0 and self.starts[place] == index else None

    def at(self, index: int) -> Event | None:
        """Event number ``index``, or None past the end."""
        if not 0 <= index < self.length:
            return None
        place = bisect_right(self.starts, index) - 1
        events = self._cache.get(place)
        if events is None:
            chunk = self.chunks[place]
            events = list(self.record.events(self.thread, chunk.start, chunk.start + chunk.count))
            self._cache[place] = events
            if len(self._cache) > _CACHED_CHUNKS:
                self._cache.popitem(last=False)
        offset = index - self.starts[place]
        return events[offset] if offset < len(events) else None

    def mute(self, chunk: ChunkLike) -> frozenset[int]:
        """Offsets of the chunk's events that never differ: generators' states, and values left unread.

        Remembered per structure: a generator's state may differ at each of a million steps.
        """
        found = self._mute.get(chunk.structure)
        if found is None:
            events = self.record.events(self.thread, chunk.start, chunk.start + chunk.count)
            found = frozenset(
                offset
                for offset, event in enumerate(events)
                if event.kind == "generator" or event.flags & PARTIAL
            )
            self._mute[chunk.structure] = found
        return found

    def window(self, start: int, count: int) -> list[Event]:
        """Up to ``count`` events from ``start`` on, without the generators' states."""
        found: list[Event] = []
        index = max(start, 0)
        while len(found) < count and index < self.length:
            event = self.at(index)
            index += 1
            if event is not None and event.kind != "generator":
                found.append(event)
        return found

    def kinds(self) -> Counter[str]:
        """How many events of each kind the stream holds; "partial" counts those left unread,
        "training" those of a backward pass or an optimizer."""
        if self._kinds is not None:
            return self._kinds
        per_structure: dict[int, Counter[str]] = {}
        total: Counter[str] = Counter()
        for chunk in self.chunks:
            if chunk.structure not in per_structure:
                counted: Counter[str] = Counter()
                for event in self.record.events(self.thread, chunk.start, chunk.start + chunk.count):
                    counted[event.kind] += 1
                    if event.flags & PARTIAL:
                        counted["partial"] += 1
                    if event.phase in ("backward", "optimizer") or event.kind in TRAINING:
                        counted["training"] += 1
                per_structure[chunk.structure] = counted
            total.update(per_structure[chunk.structure])
        self._kinds = total
        return total
