"""Whether two threads have the same results, whatever their operations were and wherever these came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from itertools import zip_longest
from typing import Final

from samebits.compare.threads import EventStream
from samebits.model.events import PARTIAL, Event
from samebits.model.sites import Site

#: Kinds of event that are results of a run: a difference there counts.  "read" is item() and the like.
RESULTS: Final = frozenset({"batch", "loss", "gradient", "parameter", "read"})
#: Of these, what may be looked at without a trace: batches, by an evaluation.
_LOOKED_AT: Final = frozenset({"batch", "read"})


def results_agree(a: EventStream, b: EventStream) -> bool:
    """Whether two threads have the same results, though one may have looked at some values more often.

    Or at other steps, at the same lines: a log, or an evaluation, that a clock decides of.
    """
    computed = zip_longest(_results(a, RESULTS - _LOOKED_AT), _results(b, RESULTS - _LOOKED_AT))
    if any(x is None or y is None or not _alike(x, y) for x, y in computed):
        return False
    return all(_looks_agree(list(_results(a, {kind})), list(_results(b, {kind}))) for kind in _LOOKED_AT)


def _looks_agree(a: Sequence[Event], b: Sequence[Event]) -> bool:
    fewer, more = sorted(([_told(event) for event in events] for events in (a, b)), key=len)
    left = iter(more)
    return all(told in left for told in fewer) or _at_other_steps(a, b)


def _at_other_steps(a: Sequence[Event], b: Sequence[Event]) -> bool:
    """Whether the same lines look at values in both, and at the same ones where they do so at one step."""

    def by_step(events: Sequence[Event]) -> dict[tuple[Site | None, int], list[tuple[str, str, int]]]:
        found: dict[tuple[Site | None, int], list[tuple[str, str, int]]] = {}
        for event in events:
            found.setdefault((event.site, event.step), []).append(_told(event))
        return found

    steps_a, steps_b = by_step(a), by_step(b)
    lines_a, lines_b = {site for site, _ in steps_a}, {site for site, _ in steps_b}
    if not (lines_a <= lines_b or lines_b <= lines_a):
        return False  # each has a value that the other never looks at
    return all(steps_a[key] == steps_b[key] for key in steps_a.keys() & steps_b.keys())


def _alike(a: Event, b: Event) -> bool:
    """Whether two results are the same: of a parameter, one name may begin with its model's.

    It does where there is another model of that class.
    """
    longer, shorter = sorted((a.name, b.name), key=len, reverse=True)
    named = longer == shorter or longer.endswith(f".{shorter}")
    return a.kind == b.kind and named and a.digest == b.digest


def _told(event: Event) -> tuple[str, str, int]:
    return event.kind, event.name, event.digest


def generators_agree(a: EventStream, b: EventStream) -> bool:
    """Whether torch's own generators were in the same states in both, as often as they were looked at."""
    states = zip_longest(_states(a), _states(b))
    seen = False
    for seen_a, seen_b in states:
        if seen_a != seen_b:
            return False
        seen = True
    return seen


def _states(stream: EventStream) -> Iterator[tuple[str, int, int]]:
    for index in range(stream.length):
        event = stream.at(index)
        if event is not None and event.kind == "generator" and event.name.startswith("torch"):
            yield event.name, event.step, event.digest


def _results(stream: EventStream, kinds: Set[str]) -> Iterator[Event]:
    """What is compared of a thread whatever its operations were."""
    for index in range(stream.length):
        event = stream.at(index)
        if event is not None and event.kind in kinds and not event.flags & PARTIAL:
            yield event
