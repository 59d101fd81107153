"""Walks two streams of events side by side and names every place where they diverge.

Position alone is not enough: one operation more in one run would make all that follows look different.
So where two events are not the same operation, a bounded look-ahead finds where the runs come together
again, and what lies between is the finding.  This file only says where and how streams diverge; whether a
mismatch counts is `diverge`'s decision.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from samebits.compare.threads import ChunkLike, EventStream
from samebits.model.events import PARTIAL, Event

#: How many events are looked at, in each run, to find where the two come together again.
LOOK_AHEAD: Final = 4096
#: Most mismatches are short, and there may be very many: the far look is only for those that need it.
_LOOKS: Final = (64, 512, LOOK_AHEAD)
#: So many operations in a row must agree in kind, name and line before two runs count as together again.
_TOGETHER: Final = 6

Change = Literal["value", "missing", "extra", "replaced", "end"]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One place where two streams diverge.

    ``at_a`` and ``at_b`` are the numbers of the events; ``only_a`` and ``only_b`` are the events that only
    that run has (none if ``change`` is "value").  ``rejoined`` says whether the look-ahead found where both
    runs go on with the same operations.
    """

    change: Change
    at_a: int
    at_b: int
    a: Event | None
    b: Event | None
    only_a: tuple[Event, ...] = ()
    only_b: tuple[Event, ...] = ()
    rejoined: bool = True

    @property
    def event(self) -> Event:
        event = self.a or self.b
        assert event is not None
        return event


def same(a: Event, b: Event) -> bool:
    """Whether two events are one and the same to the bit."""
    if a.kind != b.kind or a.name != b.name:
        return False
    return a.digest == b.digest or bool((a.flags | b.flags) & PARTIAL)


def same_operation(a: Event, b: Event) -> bool:
    """Whether two events are the same operation at the same line, whatever its result."""
    if a.kind != b.kind or a.name != b.name:
        return False
    return a.site is None or b.site is None or a.site == b.site


def _differing(a: bytes, b: bytes) -> Iterator[int]:
    """The numbers of the 8-byte words that differ."""
    block = 8 * 512
    for at in range(0, min(len(a), len(b)), block):
        part_a, part_b = a[at : at + block], b[at : at + block]
        if part_a != part_b:
            words_a, words_b = array("Q", part_a), array("Q", part_b)
            for offset, (x, y) in enumerate(zip(words_a, words_b, strict=True)):
                if x != y:
                    yield at // 8 + offset


def _key(event: Event) -> tuple[str, str, str, int]:
    site = event.site
    return (event.kind, event.name, site.file if site else "", site.line if site else 0)


def rejoin(a: list[Event], b: list[Event], *, ended_a: bool, ended_b: bool) -> tuple[int, int] | None:
    """How many events of ``a`` and of ``b`` to skip until both go on with the same operations.

    ``ended_*`` say that the list reaches the end of its stream, which two runs can also reach together.
    None if they do not come together within the lists.
    """
    end: tuple[str, str, str, int] = ("end", "", "", 0)
    keys_a = [_key(event) for event in a] + [end] * (_TOGETHER if ended_a else 0)
    keys_b = [_key(event) for event in b] + [end] * (_TOGETHER if ended_b else 0)
    seen: dict[tuple[tuple[str, str, str, int], ...], int] = {}
    for at in range(len(keys_a) - _TOGETHER + 1):
        seen.setdefault(tuple(keys_a[at : at + _TOGETHER]), at)
    best: tuple[int, int, int] | None = None
    for at in range(len(keys_b) - _TOGETHER + 1):
        if best is not None and at > best[0]:
            break
        other = seen.get(tuple(keys_b[at : at + _TOGETHER]))
        if other is None or other + at == 0:
            continue
        candidate = (other + at, other, at)
        if best is None or candidate[0] < best[0]:
            best = candidate
    return None if best is None else (best[1], best[2])


def _structural(a: EventStream, b: EventStream, i: int, j: int) -> tuple[Mismatch, int, int]:
    """The mismatch at two events that are not the same operation, and where to go on."""
    for look in _LOOKS:
        window_a, window_b = a.window(i, look), b.window(j, look)
        event_a = window_a[0] if window_a else None
        event_b = window_b[0] if window_b else None
        if event_a is None or event_b is None:
            window_a, window_b = a.window(i, LOOK_AHEAD), b.window(j, LOOK_AHEAD)
            mismatch = Mismatch("end", i, j, event_a, event_b, tuple(window_a), tuple(window_b))
            return mismatch, a.length, b.length
        found = rejoin(window_a, window_b, ended_a=len(window_a) < look, ended_b=len(window_b) < look)
        if found is not None and sum(found) + _TOGETHER <= look:
            break  # no longer look finds a nearer place
    if found is None:
        mismatch = Mismatch(
            "replaced", i, j, event_a, event_b, tuple(window_a), tuple(window_b), rejoined=False
        )
        return mismatch, a.length, b.length
    skip_a, skip_b = found
    only_a, only_b = tuple(window_a[:skip_a]), tuple(window_b[:skip_b])
    change: Change = "replaced" if skip_a and skip_b else "missing" if skip_a else "extra"
    mismatch = Mismatch(
        change, i, j, event_a if skip_a else None, event_b if skip_b else None, only_a, only_b
    )
    next_a = only_a[-1].index + 1 if only_a else i
    next_b = only_b[-1].index + 1 if only_b else j
    return mismatch, next_a, next_b


def _alike(a: EventStream, b: EventStream, chunk_a: ChunkLike | None, chunk_b: ChunkLike | None) -> bool:
    """Whether two chunks hold the same kinds of event under the same names, one for one."""
    return (
        chunk_a is not None
        and chunk_b is not None
        and chunk_a.count == chunk_b.count > 0
        and a.record.identity(chunk_a.structure) == b.record.identity(chunk_b.structure)
    )


def mismatches(a: EventStream, b: EventStream) -> Iterator[Mismatch]:
    """every place where two streams diverge, in order; what is not compared is never one."""
    i = j = 0
    while True:
        chunk_a, chunk_b = a.chunk_starting(i), b.chunk_starting(j)
        if _alike(a, b, chunk_a, chunk_b):
            assert chunk_a is not None
            assert chunk_b is not None
            jumped = False
            for offset in _differing(chunk_a.digests, chunk_b.digests):
                if offset in a.mute(chunk_a):
                    continue
                event_a, event_b = a.at(i + offset), b.at(j + offset)
                if event_a is None or event_b is None or same(event_a, event_b):
                    continue
                if not same_operation(event_a, event_b):
                    mismatch, i, j = _structural(a, b, i + offset, j + offset)
                    yield mismatch
                    jumped = True
                    break
                yield Mismatch("value", i + offset, j + offset, event_a, event_b)
            if not jumped:
                i, j = i + chunk_a.count, j + chunk_b.count
            continue
        i, j = a.next(i), b.next(j)
        event_a, event_b = a.at(i), b.at(j)
        if event_a is None and event_b is None:
            return
        if event_a is not None and event_b is not None and same(event_a, event_b):
            i, j = i + 1, j + 1
        elif event_a is not None and event_b is not None and same_operation(event_a, event_b):
            yield Mismatch("value", i, j, event_a, event_b)
            i, j = i + 1, j + 1
        else:
            mismatch, i, j = _structural(a, b, i, j)
            yield mismatch
