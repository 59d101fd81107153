"""What each random generator was asked in both runs, side by side, and where the two first part.

A generator is a tape: as long as the same lines draw as many numbers from it, in the same order, both runs
are given the same.  So its draws in one run are laid beside its draws in the other, generator by generator
and process by process, and the first difference says what happened: it began in another state, another line
drew, or more was drawn.  A list of draws ends where the evidence ends, which proves nothing: only what both
lists have is compared, but in the thread that the divergence itself is in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, Literal

from samebits.causes._evidence import before, of_kind, spot
from samebits.model.cause import Evidence
from samebits.model.events import OWN_GENERATOR, RANDOM, Event
from samebits.model.facts import Create, Detail, Draw, Fact, Seed
from samebits.model.sites import Site

PYTHON: Final = frozenset({"python", "python.Random"})
NUMPY: Final = frozenset({"numpy", "numpy.Generator", "numpy.RandomState", "numba"})
TORCH: Final = frozenset({"torch", "torch.Generator"})
#: The generators of the process itself.
GLOBAL: Final = frozenset({"python", "numpy", "torch", "numba"})

#: A generator, alike in both runs: process, name, and the place and the number of its making.
Tape = tuple[object, ...]


def of(fact: Fact[Draw | Seed | Create]) -> str:
    """The generator that a fact speaks of."""
    return fact.detail.generator or ""


class Tapes:
    """The draws of one run by generator, and what gave each its state."""

    def __init__(self, rows: Sequence[Fact[Detail]]) -> None:
        self.draws: dict[Tape, list[Fact[Draw]]] = {}
        self._seedings: dict[Tape, list[Fact[Seed | Create]]] = {}
        self._made: dict[tuple[str, int], Tape] = {}
        places: Counter[Tape] = Counter()
        seedings: list[Fact[Seed | Create]] = of_kind(rows, Seed, Create)
        for seeding in seedings:
            detail = seeding.detail
            if isinstance(detail, Create) and detail.id:
                where = (seeding.site.file, seeding.site.line) if seeding.site else None
                place: Tape = (seeding.process, of(seeding), where, detail.by)
                places[place] += 1
                self._made[seeding.process, detail.id] = (*place, places[place])
            self._seedings.setdefault(self._tape(seeding), []).append(seeding)
        for draw in of_kind(rows, Draw):
            self.draws.setdefault(self._tape(draw), []).append(draw)

    def _tape(self, fact: Fact[Draw] | Fact[Seed | Create]) -> Tape:
        number = fact.detail.id
        made = self._made.get((fact.process, number)) if number else None
        return made or (fact.process, of(fact), number)

    def seeding(self, draw: Fact[Draw]) -> Fact[Seed | Create] | None:
        """What last gave a draw's generator its state, as far as that was seen."""
        found = None
        for seeding in self._seedings.get(self._tape(draw), ()):
            if seeding.at <= draw.at:
                found = seeding
        return found


@dataclass(frozen=True, slots=True)
class Parting:
    """Where the draws from one generator first differ.

    Attributes:
        how: "state": one line draws as often, from another state; "line": another line draws; "count": one
            line drew more numbers before; "alone": one run draws once more, and no event was left out.
        a, b: the draws there, of both runs; None for the run that has none.
        extra: of "line", "count" and "alone", the draw that one run has more.
        threads: how many threads draw from it.
        others: the lines at which other threads draw from it.
    """

    tape: Tape
    how: Literal["state", "line", "count", "alone"]
    a: Fact[Draw] | None
    b: Fact[Draw] | None
    extra: Fact[Draw] | None
    threads: int
    others: tuple[Fact[Draw], ...] = ()

    @property
    def fact(self) -> Fact[Draw]:
        fact = self.a or self.b
        assert fact is not None
        return fact


def drawing(draw: Fact[Draw]) -> str:
    """Who draws, in words: "random.shuffle at train.py:3", "pandas...sample, called at train.py:7,"."""
    detail = draw.detail
    if detail.by is not None:
        return f"{detail.by}, called at {spot(draw.site)},"
    return f"{detail.call or 'a draw'} at {spot(draw.site)}"


def _mark(draw: Fact[Draw]) -> object:
    """What tells whether two draws gave the same: the state before, or else what was drawn."""
    return draw.detail.state if draw.detail.state is not None else draw.detail.value


def _place(draw: Fact[Draw]) -> object:
    return (draw.site.file, draw.site.line) if draw.site else None


def partings(evidence: Evidence) -> list[Parting]:
    """Where each generator's draws part, in the order of the runs."""
    tapes_a, tapes_b = Tapes(evidence.a), Tapes(evidence.b)
    found = []
    for tape, own_a in tapes_a.draws.items():
        own_b = tapes_b.draws.get(tape, [])
        parting = _parting(evidence, tape, own_a, own_b)
        if parting is not None and before(evidence, parting.fact):
            found.append(parting)
    return sorted(
        found, key=lambda p: (p.fact.step, p.fact.process != evidence.divergence.process, p.fact.at)
    )


def _parting(
    evidence: Evidence, tape: Tape, own_a: list[Fact[Draw]], own_b: list[Fact[Draw]]
) -> Parting | None:
    threads = len({fact.detail.thread for fact in (*own_a, *own_b)})
    for i, (a, b) in enumerate(zip(own_a, own_b, strict=False)):
        others = _other_threads(own_a[: i + 2]) if threads > 1 else ()
        if _place(a) != _place(b):
            return Parting(tape, "line", a, b, _more(own_a[i:], own_b[i:]), threads, others)
        if i and a.detail.n != b.detail.n:
            # What came before on this tape was drawn more often in one run.
            return Parting(tape, "count", a, b, own_a[i - 1], threads, others)
        if _mark(a) != _mark(b):
            return Parting(tape, "state", a, b, None, threads, others)
    longer = own_a if len(own_a) > len(own_b) else own_b
    if len(own_a) == len(own_b) or not own_a or not own_b or (threads > 1 and not evidence.whole):
        return None
    extra = longer[min(len(own_a), len(own_b))]
    divergence = evidence.divergence
    cut = extra.process != divergence.process or divergence.event.thread != 0 or extra.detail.thread
    if not evidence.whole and (cut or not _certain(evidence, extra)):
        return None
    in_a = longer is own_a
    return Parting(tape, "alone", extra if in_a else None, None if in_a else extra, extra, threads=1)


def _certain(evidence: Evidence, extra: Fact[Draw]) -> bool:
    """Whether the other run would have drawn by then: it came to a later operation without."""
    return extra.at < evidence.divergence.event.index and extra.step <= evidence.divergence.step


def _more(rest_a: Sequence[Fact[Draw]], rest_b: Sequence[Fact[Draw]]) -> Fact[Draw]:
    """Of two draws at different lines the extra one: its run soon comes to the other's line."""
    x, y = rest_a[0], rest_b[0]
    in_b = next((k for k, fact in enumerate(rest_b) if _place(fact) == _place(x)), inf)
    in_a = next((k for k, fact in enumerate(rest_a) if _place(fact) == _place(y)), inf)
    return y if in_b < in_a else x


def operation_alone(evidence: Evidence) -> tuple[Event, float] | None:
    """The torch operation that draws in one run only, where the runs part, and how sure that is, 0..1."""
    divergence = evidence.divergence
    a, b, first = divergence.a, divergence.b, divergence.event
    if divergence.change == "value":
        # One call of one line, which drew nothing in one run: `torch.rand(0)`.
        drew = [event for event in (a, b) if event is not None and event.flags & RANDOM]
        return (drew[0], 0.93) if len(drew) == 1 and divergence.inputs_equal is not False else None
    # The draw may come a few operations into what one run has alone.
    next_a = [event for event in (a, *divergence.after_a) if event is not None]
    next_b = [event for event in (b, *divergence.after_b) if event is not None]
    if divergence.change == "extra" or a is None:
        next_a, next_b = next_b, next_a
    alone = divergence.change in ("extra", "missing")
    here = first if alone and first.flags & RANDOM else _first_alone(next_a, next_b)
    if here is None and divergence.change == "replaced":
        here = _first_alone(next_b, next_a)
    if here is None:
        return None
    if here.flags & OWN_GENERATOR:
        return here, 0.25  # which nothing else need draw from
    # One round more of a loop that both runs were in is the loop's doing, not the draw's.
    known = {event.site for event in divergence.before}
    if here.site in known:
        now_and_then = _amid_a_loop(next_a, known) or _amid_a_loop(next_b, known)
        if now_and_then is not None:
            return now_and_then, 0.85
        return here, 0.5 if here is first and alone else 0.35
    return here, 0.93 if here is first and alone else 0.35 if divergence.change == "end" else 0.85


def _amid_a_loop(events: Sequence[Event], known: Collection[Site | None]) -> Event | None:
    """A draw that comes next, at a line that was not run of late, before the loop goes on with its own."""
    draws = [event for event in events if event.flags & RANDOM]
    if draws and draws[0].site not in known and any(event.site in known for event in draws):
        return draws[0]
    return None


def _first_alone(events: Sequence[Event], others: Sequence[Event]) -> Event | None:
    """The first draw by an operation, and at a line, from which the other run does not draw soon."""
    known = {(event.name, event.site) for event in others if event.flags & RANDOM}
    return next((e for e in events if e.flags & RANDOM and (e.name, e.site) not in known), None)


def _other_threads(rows: Sequence[Fact[Draw]]) -> tuple[Fact[Draw], ...]:
    """The last draw of each thread."""
    last = {fact.detail.thread: fact for fact in rows}
    return tuple(last.values())


def never_seeded(evidence: Evidence) -> list[Fact[Draw]]:
    """The first draw from each generator that nothing had seeded; those made in one place count once."""
    found: dict[object, Fact[Draw]] = {}
    for tape, draws in Tapes(evidence.a).draws.items():
        first = next((fact for fact in draws if fact.detail.seeded is False and before(evidence, fact)), None)
        if first is not None:
            made = tape[2:4] if of(first) not in GLOBAL and len(tape) > 3 else None
            found.setdefault((of(first), made), first)
    return list(found.values())
