"""What `compare` needs of a record, and one thread's events as a stream that is read chunk by chunk.

The protocols are the whole of what this package asks of `samebits.record.reader`: tests pass in-memory
records, and a reader of another format could take its place.  `EventStream` answers "event number i" out of
a small cache, so that comparing two long runs never holds more than a few chunks of resolved events.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from samebits.model.events import PARTIAL, READ_IN_TURN, Event
from samebits.model.facts import Detail, Fact

_CACHED_CHUNKS: Final = 6
_CACHED_EVENTS: Final = 1 << 14  # more chunks than that where they are small: a look ahead crosses many
_KEPT: Final = 4096  # structures whose compared events are remembered
#: Kinds of event that only training has.
TRAINING_KINDS: Final = frozenset({"loss", "gradient", "parameter"})


def is_worker(process: str) -> bool:
    """Whether another observed process started the process of this key.

    A key is a path: "main" or "rank0" are those that the user started, "main/Process-1" is a child of "main".
    """
    return "/" in process


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
    def plan(self) -> Mapping[str, Any]: ...
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
    def facts(self) -> Sequence[Fact[Detail]]: ...
    def losses(self) -> Sequence[LossLike]: ...
    def value(self, thread: int, index: int, part: int = 0, /) -> ValueLike | None: ...
    def sources(self) -> Mapping[str, str]: ...


class RunLike(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def info(self) -> Mapping[str, Any]: ...
    @property
    def sizes(self) -> Mapping[str, tuple[int, int]]:
        """Bytes of each record file that is there, and of the write-ahead log beside it."""
        ...

    @property
    def unmade(self) -> Sequence[str]:
        """Record files that could not be written even to their header."""
        ...

    @property
    def records(self) -> Mapping[str, RecordLike]: ...


#: Whether an event is compared: a function of the event alone, and one of the event and its step.
Keep = Callable[[Event], bool]


class EventStream:
    """One thread of one record, and which of its events are compared.

    ``keep`` leaves out what the other run did not observe at all; ``unread``, what it did not read at that
    step (`samebits.compare.shared` makes both).  States of generators are never compared.
    """

    def __init__(self, record: RecordLike, thread: int, *, empty: bool = False) -> None:
        """``empty`` stands for a thread or process that the other run does not have."""
        self.record = record
        self.thread = thread
        self.chunks = [] if empty else list(record.chunks(thread))
        self.starts = [chunk.start for chunk in self.chunks]
        self.length = self.chunks[-1].start + self.chunks[-1].count if self.chunks else 0
        self.keep: Keep | None = None
        self.unread: Callable[[int], frozenset[tuple[str, str]]] | None = None
        self._cache: OrderedDict[int, list[Event]] = OrderedDict()
        self._cached = 0  # events
        self._kept: dict[tuple[int, frozenset[tuple[str, str]]], tuple[list[int], Counter[str]]] = {}
        self._reads: dict[int, frozenset[tuple[str, str]]] = {}
        self._mute: dict[int, frozenset[int]] = {}
        self._kinds: Counter[str] | None = None

    @property
    def steps(self) -> int:
        """The finished optimizer steps of its process; none of one that the other run does not have."""
        return self.record.steps if self.chunks else 0

    def compared_by(
        self, keep: Keep | None, unread: Callable[[int], frozenset[tuple[str, str]]] | None
    ) -> None:
        """From here on the stream holds what these two leave of it."""
        self.keep, self.unread = keep, unread
        self._kept.clear()
        self._mute.clear()
        self._kinds = None

    def chunk_starting(self, index: int) -> ChunkLike | None:
        """The chunk whose first event is number ``index``, or None."""
        place = bisect_right(self.starts, index) - 1
        # An empty chunk shares its start with the next one; bisect_right finds the last, the one with events.
        return self.chunks[place] if place >= 0 and self.starts[place] == index else None

    def at(self, index: int) -> Event | None:
        """Event number ``index``, compared or not, or None past the end."""
        if not 0 <= index < self.length:
            return None
        place = bisect_right(self.starts, index) - 1
        events = self._cache.get(place)
        if events is None:
            events = self._cache[place] = self._events(self.chunks[place])
            self._cached += len(events)
            while len(self._cache) > _CACHED_CHUNKS and self._cached > _CACHED_EVENTS:
                self._cached -= len(self._cache.popitem(last=False)[1])
        offset = index - self.starts[place]
        return events[offset] if offset < len(events) else None

    def _events(self, chunk: ChunkLike) -> list[Event]:
        return list(self.record.events(self.thread, chunk.start, chunk.start + chunk.count))

    def _chosen(self, chunk: ChunkLike) -> tuple[list[int], Counter[str]]:
        """Offsets of the chunk's events that are compared, and how many of each kind they are.

        Remembered per structure, which a million steps share.
        """
        unread: frozenset[tuple[str, str]] = frozenset() if self.unread is None else self.unread(chunk.step)
        found = self._kept.get((chunk.structure, unread))
        if found is None:
            offsets: list[int] = []
            kinds: Counter[str] = Counter()
            for offset, event in enumerate(self._events(chunk)):
                if (
                    event.kind == "generator"
                    or (self.keep is not None and not self.keep(event))
                    or (unread and event.kind in READ_IN_TURN and (event.kind, event.name) in unread)
                ):
                    continue
                offsets.append(offset)
                kinds[event.kind] += 1
                if event.flags & PARTIAL:
                    kinds["partial"] += 1
                if event.phase in ("backward", "optimizer") or event.kind in TRAINING_KINDS:
                    kinds["training"] += 1
            if len(self._kept) > _KEPT:
                self._kept.clear()
            found = self._kept[chunk.structure, unread] = (offsets, kinds)
        return found

    def next(self, index: int) -> int:
        """The number of the first compared event from ``index`` on; the stream's length if there is none."""
        place = max(bisect_right(self.starts, index) - 1, 0)
        while place < len(self.chunks):
            start, chunk = self.starts[place], self.chunks[place]
            if chunk.count:
                offsets, _ = self._chosen(chunk)
                at = bisect_left(offsets, index - start)
                if at < len(offsets):
                    return start + offsets[at]
            place += 1
        return self.length

    def read_at(self, step: int) -> frozenset[tuple[str, str]]:
        """(kind, name) of the gradients and parameters that were read at a step."""
        if not self._reads:
            structures: dict[int, frozenset[tuple[str, str]]] = {}
            reads: dict[int, frozenset[tuple[str, str]]] = {}
            for chunk in self.chunks:
                if chunk.structure not in structures:
                    structures[chunk.structure] = frozenset(
                        (event.kind, event.name)
                        for event in self._events(chunk)
                        if event.kind in READ_IN_TURN and not event.flags & PARTIAL
                    )
                before = reads.get(chunk.step)
                new = structures[chunk.structure]
                reads[chunk.step] = new if before is None else before | new
            self._reads = reads or {-1: frozenset()}
        return self._reads.get(step, frozenset())

    def closing(self) -> frozenset[tuple[str, str]]:
        """(kind, name) of the parameters of the reading with which a process ends, after its last step.

        Not every end leaves the time for one.  A worker of a pool is ended by a signal, or ends itself if it
        is told first that there is no more work; of what a thread may be changing, nothing is read.
        """
        found: set[tuple[str, str]] = set()
        for chunk in reversed(self.chunks):
            if chunk.step < self.record.steps:
                break
            found |= {(event.kind, event.name) for event in self._events(chunk) if event.kind == "parameter"}
        return frozenset(found)

    def mute(self, chunk: ChunkLike) -> frozenset[int]:
        """Offsets of the chunk's events that never differ: what is not compared, and values left unread."""
        found = self._mute.get(chunk.structure)
        if found is None:
            found = self._mute[chunk.structure] = frozenset(
                offset
                for offset, event in enumerate(self._events(chunk))
                if event.kind == "generator"
                or event.flags & PARTIAL
                or (self.keep is not None and not self.keep(event))
            )
        return found

    def window(self, start: int, count: int) -> list[Event]:
        """Up to ``count`` compared events from ``start`` on."""
        found: list[Event] = []
        index = self.next(max(start, 0))
        while len(found) < count and index < self.length:
            event = self.at(index)
            if event is not None:
                found.append(event)
            index = self.next(index + 1)
        return found

    def trains(self) -> bool:
        """Whether it holds anything of a backward pass or an optimizer."""
        return any(self._chosen(chunk)[1]["training"] for chunk in self.chunks)

    def kinds(self) -> Counter[str]:
        """How many compared events of each kind the stream holds; "partial" counts those left unread,
        "training" those of a backward pass or an optimizer."""
        if self._kinds is None:
            self._kinds = Counter()
            for chunk in self.chunks:
                self._kinds.update(self._chosen(chunk)[1])
        return self._kinds
