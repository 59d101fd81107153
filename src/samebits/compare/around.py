"""The operations of both runs around the place where they part, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher

from samebits.compare.threads import RecordLike
from samebits.model.divergence import Divergence
from samebits.model.events import PARTIAL, Event

_BEFORE, _AFTER = 60, 200  # events


@dataclass(frozen=True, slots=True)
class Row:
    """One operation of each run; None where that run has none there.

    same: whether their results agree; None: not compared, since one was left unread.
    first: whether it is the difference that the verdict names.
    """

    a: Event | None
    b: Event | None
    same: bool | None
    first: bool


def around(a: RecordLike, b: RecordLike, divergence: Divergence) -> tuple[Row, ...]:
    """Some events before the divergence and more after it, in the order in which they ran."""
    at_a, at_b = _places(divergence)
    thread = divergence.event.thread
    before = min(_BEFORE, at_a, at_b)
    left = list(a.events(thread, at_a - before, at_a + _AFTER))
    right = list(b.events(thread, at_b - before, at_b + _AFTER))
    keys = [[_key(event) for event in side] for side in (left, right)]
    matcher = SequenceMatcher(None, *keys, autojunk=False)
    rows: list[Row] = []
    for what, i, end_i, j, end_j in matcher.get_opcodes():
        if what == "equal":
            pairs = zip(left[i:end_i], right[j:end_j], strict=True)
            rows += [Row(one, two, _same(one, two), _is(one, two, divergence)) for one, two in pairs]
        else:
            rows += [Row(one, None, False, _is(one, None, divergence)) for one in left[i:end_i]]
            rows += [Row(None, two, False, _is(None, two, divergence)) for two in right[j:end_j]]
    return tuple(rows)


def _places(divergence: Divergence) -> tuple[int, int]:
    """The numbers of the events at which the runs part; where a run has none there, of what it did instead."""
    places = []
    for event, after in ((divergence.a, divergence.after_a), (divergence.b, divergence.after_b)):
        if event is not None:
            places.append(event.index)
        elif after:
            places.append(after[0].index)
        else:
            places.append(divergence.before[-1].index + 1 if divergence.before else 0)
    return places[0], places[1]


def _key(event: Event) -> tuple[str, str, str, int]:
    site = event.site
    return (event.kind, event.name, site.file if site else "", site.line if site else 0)


def _same(a: Event, b: Event) -> bool | None:
    return None if (a.flags | b.flags) & PARTIAL else a.digest == b.digest


def _is(a: Event | None, b: Event | None, divergence: Divergence) -> bool:
    meant = ((a, divergence.a), (b, divergence.b))
    return any(one is not None and other is not None and one.index == other.index for one, other in meant)
