"""The operations of both runs around the place where they part, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from samebits.model.divergence import Divergence
from samebits.model.events import PARTIAL, PENDING, UNINITIALIZED, VIEW, Event

#: The digest of such an operation covers dtype and shape alone.
_SHAPE_ALONE: Final = VIEW | UNINITIALIZED | PENDING


@dataclass(frozen=True, slots=True)
class AlignedEvents:
    """One operation of each run; None where that run has none there.

    same: whether their results agree; None: not compared: left unread, a view, or fresh memory.
    first: whether it is the difference that the verdict names.
    """

    a: Event | None
    b: Event | None
    same: bool | None
    first: bool


def around(divergence: Divergence) -> tuple[AlignedEvents, ...]:
    """The events before the divergence, itself, and those after it, in the order in which they ran."""
    left = [*divergence.before, *_itself(divergence.a), *divergence.after_a]
    right = [*divergence.before_b, *_itself(divergence.b), *divergence.after_b]
    keys_a, keys_b = [_key(event) for event in left], [_key(event) for event in right]
    rows: list[AlignedEvents] = []
    for what, i, end_i, j, end_j in SequenceMatcher(None, keys_a, keys_b, autojunk=False).get_opcodes():
        if what == "equal":
            pairs = zip(left[i:end_i], right[j:end_j], strict=True)
            meant = (divergence.a, divergence.b)
            rows += [AlignedEvents(a, b, _same(a, b), a is meant[0] or b is meant[1]) for a, b in pairs]
        else:
            rows += [AlignedEvents(a, None, False, a is divergence.a) for a in left[i:end_i]]
            rows += [AlignedEvents(None, b, False, b is divergence.b) for b in right[j:end_j]]
    return tuple(rows)


def _itself(event: Event | None) -> list[Event]:
    return [] if event is None else [event]


def _key(event: Event) -> tuple[str, str, str, int]:
    site = event.site
    return (event.kind, event.name, site.file if site else "", site.line if site else 0)


def _same(a: Event, b: Event) -> bool | None:
    flags = a.flags | b.flags
    if flags & PARTIAL:
        return None
    if a.digest != b.digest:
        return False
    return None if flags & _SHAPE_ALONE else True
