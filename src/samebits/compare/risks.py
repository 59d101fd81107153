"""What made two runs agree by luck, or agree on something wrong: from what their records hold already.

Two runs that agree are reproducible here and now.  They may still share what another machine, another day or
a reader of the results would stumble over: streams that are one (`compare.twins`), an order that nothing
promises, memory that nobody filled.  Each is one sentence; there are none where there is nothing to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from samebits.compare.threads import RecordLike, RunLike, is_worker
from samebits.compare.twins import twins
from samebits.model.events import OWN_GENERATOR, RANDOM, READS_UNINITIALIZED, Event
from samebits.model.facts import Completion, Detail, Draw, Fact, File, Iteration, Listing, RngRestore
from samebits.model.operators import spoken
from samebits.model.sites import Site

_ORDERED: Final = (Completion, Iteration, Listing)
_MOST: Final = 6
_EVENTS: Final = 20_000  # looked through for reads of memory that nothing filled


def risks(run: RunLike, other: RunLike) -> tuple[str, ...]:
    """What of a run that agrees with another deserves a second look, one sentence each.

    An order that was another in the other run made no difference, and is none.
    """
    theirs = _orders(_facts(other))
    ours = _orders(facts := _facts(run))
    facts = [fact for fact in facts if (key := _place(fact)) not in ours or ours[key] == theirs.get(key)]
    controlled = any(record.plan.get("seed") is not None for record in run.records.values())
    found = [one.sentence() for one in twins(run)]
    found += [*_threads(facts), *_completions(facts), *_in_events(run)]
    if not controlled:
        found += [*_listings(facts, _sources(run)), *_sets(facts)]
    said = list(dict.fromkeys(found))
    return tuple(said[:_MOST])


def _facts(run: RunLike) -> list[Fact[Detail]]:
    return [fact for _, record in sorted(run.records.items()) for fact in record.facts()]


def _place(fact: Fact[Detail]) -> tuple[str, Site | None, str]:
    return fact.process, fact.site, fact.kind


def _orders(facts: Iterable[Fact[Detail]]) -> dict[tuple[str, Site | None, str], list[Detail]]:
    """Every order that was taken, by where."""
    found: dict[tuple[str, Site | None, str], list[Detail]] = {}
    for fact in facts:
        if isinstance(fact.detail, _ORDERED):
            found.setdefault(_place(fact), []).append(fact.detail)
    return found


def _spot(site: Site | None) -> str:
    return f"{site.file}:{site.line}" if site else "an unknown line"


def _threads(facts: list[Fact[Detail]]) -> Iterator[str]:
    """A generator that several threads drew from, in an order that they happened to keep."""
    threads: dict[tuple[object, ...], dict[object, Site | None]] = {}
    for fact in facts:
        if isinstance(fact.detail, Draw) and fact.detail.thread is not None:
            key = (fact.process, fact.detail.generator, fact.detail.id)
            threads.setdefault(key, {}).setdefault(fact.detail.thread, fact.site)
    for (_, generator, _), lines in threads.items():
        if len(lines) > 1:
            where = " and ".join(dict.fromkeys(map(_spot, lines.values())))
            yield (
                f"{len(lines)} threads draw from one generator ({generator}), at {where}: their order was "
                "kept by chance"
            )


def _completions(facts: list[Fact[Detail]]) -> Iterator[str]:
    for fact in facts:
        if isinstance(fact.detail, Completion) and fact.detail.order is not None and (fact.detail.n or 0) > 1:
            yield (
                f"{fact.detail.call or 'a wait'} at {_spot(fact.site)} gives results in the order of "
                "finishing, which was the same by chance"
            )


def _sources(run: RunLike) -> dict[str, str]:
    return {file: text for record in run.records.values() for file, text in record.sources().items()}


def _sorted_later(fact: Fact[Detail], sources: Mapping[str, str]) -> bool:
    """Whether the variable that a listing is kept in is sorted somewhere in that file."""
    text = sources.get(fact.site.file) if fact.site else None
    if text is None or fact.site is None or not 0 < fact.site.line <= len(lines := text.split("\n")):
        return False
    kept = re.match(r"\s*(\w+)\s*(:[^=]+)?=[^=]", lines[fact.site.line - 1])
    return bool(kept and re.search(rf"\b{kept[1]}\.sort\(|\bsorted\(\s*{kept[1]}\b", text))


def _listings(facts: list[Fact[Detail]], sources: Mapping[str, str]) -> Iterator[str]:
    """An unsorted folder whose files were then read."""
    read = [str(fact.detail.path) for fact in facts if isinstance(fact.detail, File)]
    for fact in facts:
        detail = fact.detail
        if not isinstance(detail, Listing) or (detail.n or 0) < 2 or not detail.path or detail.by:
            continue  # a library may have sorted it
        if detail.order == detail.content or _sorted_later(fact, sources):
            continue
        folder = detail.folder + "/"
        if any(path.startswith(folder) or f"/{folder}" in path for path in read):
            yield (
                f"{detail.call or 'a listing'} of {detail.path} at {_spot(fact.site)} is not sorted: its "
                "order is the file system's, and another machine may have another"
            )


def _sets(facts: list[Fact[Detail]]) -> Iterator[str]:
    for fact in facts:
        detail = fact.detail
        if isinstance(detail, Iteration) and detail.by == "hash" and (detail.n or 0) > 1:
            yield (
                f"the order of a set of strings is taken at {_spot(fact.site)}: it was the same by chance "
                "or by PYTHONHASHSEED; sorted() makes it so"
            )


def _in_events(run: RunLike) -> Iterator[str]:
    """Memory that was read and that nothing had filled, and evaluations on the training's numbers."""
    for key, record in sorted(run.records.items()):
        if is_worker(key):
            continue
        passes = Passes()
        for event in _each_structure(record):
            if event is None:
                passes.skip()
                continue
            if event.flags & READS_UNINITIALIZED:
                yield (
                    f"{event.name} at {_spot(event.site)} read memory that nothing had filled; its "
                    "bytes were the same by chance"
                )
            passes.see(event)
        draws = list(passes.evaluations(record.steps))
        if draws and any(isinstance(fact.detail, RngRestore) for fact in record.facts()):
            continue  # perhaps put back around them
        for draw in draws:
            yield (
                f"{spoken(draw.name)} at {_spot(draw.site)} draws for an evaluation from the generator that "
                "the training draws from: to evaluate more or less often would change the training; a "
                "generator of its own would not"
            )


class Passes:
    """What passes over batches draw from the process-wide generator of torch, and which of them train."""

    def __init__(self) -> None:
        self._trained: set[Site] = set()  # those whose batches are trained on
        self._drew: dict[Site, Event] = {}  # the first draw of a line's passes
        self._batch: Site | None = None
        self._pending: list[Event] = []  # draws since the last batch: the next one says whose they are
        self._thread: int | None = None

    def skip(self) -> None:
        """Some events are left out: where the batch at hand comes from is not known."""
        self._batch = None
        self._pending.clear()

    def see(self, event: Event) -> None:
        """The next event of the record; the first thread's count."""
        self._thread = event.thread if self._thread is None else self._thread
        if event.thread != self._thread:
            return
        if event.kind == "batch" and event.site is not None:
            for draw in self._pending:
                if event.site in (draw.site, self._batch):  # a loader's own seed, or amid its batches
                    self._drew.setdefault(event.site, draw)
            self._pending.clear()
            self._batch = event.site
        elif event.phase == "backward":
            self._pending.clear()
            if self._batch is not None:
                self._trained.add(self._batch)
        elif event.flags & (RANDOM | OWN_GENERATOR) == RANDOM and event.step:
            self._pending.append(event)

    def evaluations(self, steps: int) -> Iterator[Event]:
        """The first draw of each pass that trains nothing, where training came before it and follows."""
        if self._trained:
            for line, draw in self._drew.items():
                if line not in self._trained and draw.step < steps:
                    yield draw


def _each_structure(record: RecordLike) -> Iterator[Event | None]:
    """The events of a record; None for those of a chunk that is like an earlier one."""
    left = _EVENTS
    for thread in record.threads():
        seen = set()
        for chunk in record.chunks(thread):
            if chunk.structure not in seen and left > 0:
                seen.add(chunk.structure)
                left -= chunk.count
                yield from record.events(thread, chunk.start, chunk.start + chunk.count)
            else:
                yield None
