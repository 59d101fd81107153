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


def results_agree(a: EventStream, b: EventStream) -> bool:
    """Whether two threads have the same results, though one may have read some of its values more often.

    Or at other steps, by the same lines: a log that a clock decides of.
    """
    computed = zip_longest(_results(a, RESULTS - {"read"}), _results(b, RESULTS - {"read"}))
    if any(x is None or y is None or _told(x) != _told(y) for x, y in computed):
        return False
    reads_a, reads_b = list(_results(a, {"read"})), list(_results(b, {"read"}))
    fewer, more = sorted(([_told(read) for read in reads] for reads in (reads_a, reads_b)), key=len)
    left = iter(more)
    return all(read in left for read in fewer) or _read_at_other_steps(reads_a, reads_b)


def _read_at_other_steps(a: Sequence[Event], b: Sequence[Event]) -> bool:
    """Whether the same lines read values in both, and the same ones wherever they did so at one step."""

    def by_step(reads: Sequence[Event]) -> dict[tuple[Site | None, int], list[tuple[str, str, int]]]:
        found: dict[tuple[Site | None, int], list[tuple[str, str, int]]] = {}
        for read in reads:
            found.setdefault((read.site, read.step), []).append(_told(read))
        return found

    steps_a, steps_b = by_step(a), by_step(b)
    lines_a, lines_b = {site for site, _ in steps_a}, {site for site, _ in steps_b}
    if not (lines_a <= lines_b or lines_b <= lines_a):
        return False  # each has a value that the other never reads
    return all(steps_a[key] == steps_b[key] for key in steps_a.keys() & steps_b.keys())


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
