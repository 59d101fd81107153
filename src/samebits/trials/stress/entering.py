"""Where a change enters a program: the operation and the line, and what a comparison makes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from samebits.compare.judge import place_of
from samebits.compare.steps import StepPair
from samebits.compare.threads import is_worker
from samebits.compare.verdict import Place, Verdict
from samebits.control.change import Change
from samebits.model.events import OWN_GENERATOR, RANDOM, Event
from samebits.model.facts import Draw
from samebits.model.sites import Site
from samebits.record.run import Run

#: Changes of how a DataLoader works.
_OF_LOADERS: Final = ("num-workers", "prefetch", "persistent-workers")
#: Changes of the clock, and causes that are readings of it, or of entropy.
_OF_CLOCKS: Final = ("start-time", "time-zone")
_READINGS: Final = ("wall-clock", "entropy-seed")
#: Of draws in workers, so many lines are told.
_LINES: Final = 5
#: Where results of a step may differ, but for a batch.
_COMPUTED: Final = ("loss", "gradients", "parameters")
_IN_WORKERS: Final = "draws-in-workers"


def place(verdict: Verdict, runs: tuple[Run, Run]) -> Place | None:
    """The first difference; of work that one run alone does, the first draw in it."""
    first, divergence = verdict.first, verdict.divergence
    if first is None or divergence is None or divergence.change in ("value", "end"):
        return first
    of_a = [event for event in (divergence.a, *divergence.after_a) if event is not None]
    of_b = [event for event in (divergence.b, *divergence.after_b) if event is not None]
    for number, (events, others) in enumerate(((of_b, of_a), (of_a, of_b))):
        there = {(event.name, event.site) for event in others}
        for event in events:
            if _draws(event) and (event.name, event.site) not in there:
                sides = (None, event) if number == 0 else (event, None)
                shown = replace(divergence, a=sides[0], b=sides[1], step=event.step, difference=None)
                return place_of(runs[1 - number], shown)
    return first


def _draws(event: Event) -> bool:
    return bool(event.flags & RANDOM) and not event.flags & OWN_GENERATOR


def causes(change: Change, verdict: Verdict, runs: tuple[Run, Run]) -> tuple[Mapping[str, Any], ...]:
    """What a comparison makes of it: the cause that such a change has comes first.

    That the machines differ is none: that is what was changed.  Nor is a reading that is another in each run:
    the program was run twice without the change, and agreed.
    """
    none = {"environment-difference", *(() if change.name in _OF_CLOCKS else _READINGS)}
    found = [_said(each.cause, each.site, each.why) for each in verdict.causes if each.cause not in none]
    found.sort(key=lambda each: each["cause"] != change.cause)
    if change.name in _OF_LOADERS and _begins_with_batch(*runs):
        why = "the numbers that a sample is made with are drawn in a worker, from that worker's generator."
        found = [_said(_IN_WORKERS, site, why) for site in _drawn_in_workers(runs)] + found
    return tuple(found)


def _said(cause: str, site: Site | None, why: str) -> Mapping[str, Any]:
    file, line = (None, None) if site is None else (site.file, site.line)
    return {"cause": cause, "file": file, "line": line, "why": why}


def _begins_with_batch(a: Run, b: Run) -> bool:
    """Whether the first step whose results differ has another batch."""
    for key in sorted(a.records.keys() & b.records.keys()):
        if is_worker(key):
            continue
        for _, layers in sorted(StepPair(a.records[key], b.records[key]).differing.items()):
            if layers.get("batch"):
                return True
            if any(layers.get(layer) for layer in _COMPUTED):
                break
    return False


def _drawn_in_workers(runs: tuple[Run, Run]) -> Iterator[Site]:
    """The lines at which workers draw, those that draw most first."""
    lines: Counter[tuple[str, int]] = Counter()
    sites: dict[tuple[str, int], Site] = {}
    for run in runs:
        for key, record in run.records.items():
            for fact in record.facts() if is_worker(key) else ():
                if isinstance(fact.detail, Draw) and fact.site is not None:
                    at = (fact.site.file, fact.site.line)
                    lines[at] += 1
                    sites[at] = fact.site
    for at, _ in lines.most_common(_LINES):
        yield sites[at]
