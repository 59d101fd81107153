"""Which draws of a process are trained on, and how its generators stand at the end of each step.

A draw is trained on if a backward follows it before the program takes a value out, and before a batch comes
at a line that trains nothing.  An evaluation ends with a value that is read, so what is drawn for one is not
trained on; nor is a number by which the program decides what to do.  The loss itself may be read before its
backward.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from samebits.compare.generator_streams import Drawing, GeneratorStreams, PassOf
from samebits.compare.threads import ChunkLike, RecordLike
from samebits.model.events import PARTIAL, Event
from samebits.model.sites import Site

_MARKS: Final = 100_000  # looked through
_AHEAD: Final = 256  # marks that are looked at after a draw
#: A loader's or sampler's seed, which it reads at once.
SEED_OF_LOADER: Final = "aten::random_"
_READ_AT_ONCE: Final = 4
#: Functions that are no training's, by their names.
_EVALUATION: Final = re.compile(
    r"(^|_)(val|valid|validate|validation|eval|evaluate|evaluation|test|predict|infer|inference)(_|$)", re.I
)


@dataclass(frozen=True, slots=True)
class _Mark:
    index: int
    kind: str  # "loss", "read" or "batch"
    phase: str
    site: Site | None
    digest: int


class Course:
    """The course of a process's main thread."""

    def __init__(self, record: RecordLike, streams: GeneratorStreams) -> None:
        self._record, self._streams = record, streams

    @cached_property
    def _marks(self) -> list[_Mark]:
        return list(_marks(self._record))

    @cached_property
    def _indices(self) -> list[int]:
        return [mark.index for mark in self._marks]

    @cached_property
    def _often(self) -> Counter[int]:
        """How often a loss had a digest."""
        return Counter(self.losses)

    @cached_property
    def _training_lines(self) -> set[Site | None]:
        """Those whose batches a backward follows, with no value read between."""
        found: set[Site | None] = set()
        batch: Site | None = None
        for number, mark in enumerate(self._marks):
            if mark.kind == "batch":
                batch = mark.site
            elif mark.kind == "loss":
                found.add(batch)
            elif batch not in found and mark.phase != "data" and not self._is_loss(number):
                batch = None  # an evaluation that ended
        return found

    @cached_property
    def _pass_lines(self) -> set[Site | None]:
        return {one.site for one, _ in self._streams.passes}

    @property
    def losses(self) -> tuple[int, ...]:
        """Digests of what backwards began from."""
        return tuple(mark.digest for mark in self._marks if mark.kind == "loss")

    @property
    def begins(self) -> int:
        """The index of the first event of a training or an evaluation: what comes before makes the model."""
        return self._indices[0] if self._indices else 0

    def comes_from_each(self, one: PassOf) -> bool:
        """Whether every worker of a pass gives the same batches in turn, of which not all are the same."""
        ends = [other.at for other, _ in self._streams.passes if other.site == one.site and other.at > one.at]
        until = min(ends, default=None)
        batches = [
            mark.digest
            for mark in self._marks[bisect_left(self._indices, one.at) :]
            if mark.kind == "batch" and mark.site == one.site and (until is None or mark.index < until)
        ]
        n = one.workers
        rounds = [set(batches[first : first + n]) for first in range(0, len(batches) - n + 1, n or 1)]
        return n > 1 and all(len(each) == 1 for each in rounds) and len(set().union(*rounds)) > 1

    def trains_on(self, draw: Drawing) -> bool:
        """Whether a draw is trained on."""
        if draw.site is not None and _EVALUATION.search(draw.site.function):
            return False
        if draw.loader is not None:
            return draw.loader in self._streams.trained
        first = bisect_left(self._indices, draw.at)
        for number, mark in enumerate(self._marks[first : first + _AHEAD], first):
            if mark.kind == "loss":
                return True
            if mark.kind == "batch":
                if mark.site not in self._training_lines:
                    return False
            elif not (mark.phase == "data" or self._of_loader(draw, mark) or self._is_loss(number)):
                return False
        return False

    def decides(self, draw: Drawing) -> bool:
        """Whether the program takes out at once what it drew, to decide by it: ranks may have to alike."""
        first = bisect_left(self._indices, draw.at)
        near = self._marks[first] if first < len(self._marks) else None
        return near is not None and near.kind == "read" and near.index <= draw.at + _READ_AT_ONCE

    def for_loader(self, draw: Drawing) -> bool:
        """Whether a loader or its sampler draws a seed, at the line that begins its pass."""
        return draw.call == SEED_OF_LOADER and draw.site in self._pass_lines

    def _of_loader(self, draw: Drawing, read: _Mark) -> bool:
        return self.for_loader(draw) and read.site == draw.site and read.index <= draw.at + _READ_AT_ONCE

    def _is_loss(self, number: int) -> bool:
        """Whether what was read is the next loss."""
        read = self._marks[number]
        loss = next((mark for mark in self._marks[number : number + _AHEAD] if mark.kind == "loss"), None)
        if loss is None or self._often[loss.digest] > 1:  # as of losses that are no number
            return False
        if read.digest == loss.digest:
            return True
        near = list(self._record.events(0, max(read.index - 1, 0), read.index + 1))
        # An operation that takes a value out has the value's digest: what it was given was made just before.
        return near[-1].inputs == loss.digest or (near[0].kind == "op" and near[0].digest == loss.digest)


def _marks(record: RecordLike) -> Iterator[_Mark]:
    for chunk, place, event in _chosen(record, frozenset({"loss", "read", "batch"})):
        yield _Mark(chunk.start + place, event.kind, event.phase, event.site, _digest(chunk, place))


def states(record: RecordLike) -> dict[str, dict[int, int]]:
    """Generator -> step -> digest of its state at the end of that step, where it was read."""
    found: dict[str, dict[int, int]] = {}
    for chunk, place, event in _chosen(record, frozenset({"generator"})):
        found.setdefault(event.name, {})[chunk.step] = _digest(chunk, place)
    return found


def _digest(chunk: ChunkLike, place: int) -> int:
    return int.from_bytes(chunk.digests[8 * place : 8 * place + 8], "little")


def _chosen(record: RecordLike, kinds: frozenset[str]) -> Iterator[tuple[ChunkLike, int, Event]]:
    """The events of some kinds of the main thread: the chunk, the place in it, an event of that structure."""
    known: dict[int, list[tuple[int, Event]]] = {}
    left = _MARKS
    for chunk in record.chunks(0):
        if chunk.structure not in known:
            events = record.events(0, chunk.start, chunk.start + chunk.count)
            known[chunk.structure] = [
                (place, event)
                for place, event in enumerate(events)
                if event.kind in kinds and not event.flags & PARTIAL
            ]
        for place, event in known[chunk.structure]:
            left -= 1
            if left < 0:
                return
            yield chunk, place, event


def moves(of: Mapping[int, int], streams: GeneratorStreams) -> dict[int, tuple[int, int]]:
    """Step -> state before and after, of each in which a generator moved and no pass of a loader began."""
    return {
        step: (of[step - 1], after)
        for step, after in of.items()
        if step - 1 in of and of[step - 1] != after and step not in streams.pass_steps
    }
