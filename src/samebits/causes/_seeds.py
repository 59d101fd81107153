"""How the generators of two runs were seeded: not at all, with one value in both runs, or with two.

Four causes ask the same questions.  What was drawn is laid side by side by `causes._draws`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from samebits.causes._draws import (
    GLOBAL,
    NUMPY,
    PYTHON,
    Parting,
    Tapes,
    never_seeded,
    of,
    operation_alone,
    partings,
)
from samebits.causes._evidence import FactPair, before, facts, of_kind, pairs, reach, spot, sure
from samebits.model.cause import Evidence
from samebits.model.events import OWN_GENERATOR, RANDOM
from samebits.model.facts import Completion, Create, Detail, Draw, Fact, Iteration, Listing, Seed, Sort
from samebits.model.sites import Site

#: What gives a generator its state.
Seeding = Seed | Create
_NAMES: Final = {
    "python": "Python's random",
    "numpy": "numpy's global generator",
    "numba": "numba's generator",
}
_PLAINLY: Final = 0.8
#: Whose seeds are handed down by a loader, and none of the program's own.
_HANDED: Final = "torch.utils.data."


def _seedings(evidence: Evidence, *, beyond: bool = False) -> tuple[list[Fact[Seeding]], list[Fact[Seeding]]]:
    return facts(evidence, Seed, Create, beyond=beyond)


def differing_draw(evidence: Evidence, family: Collection[str]) -> Parting | None:
    """The first draw from a family of generators that gave the two runs different values."""
    return next((p for p in partings(evidence) if p.how == "state" and of(p.fact) in family), None)


def extra_draw(evidence: Evidence, family: Collection[str]) -> Parting | None:
    """The first draw that one run has alone, while all draws before it agreed."""
    for parting in partings(evidence):
        if of(parting.fact) in family and parting.threads == 1:
            return parting if parting.extra is not None else None
    return None


def drew_alone(evidence: Evidence) -> bool:
    """Whether the runs part where one of them draws, and the other plainly does not."""
    operation = operation_alone(evidence)
    return (operation is not None and operation[1] > _PLAINLY) or any(
        (parting := extra_draw(evidence, family)) is not None and parting.extra is not None
        for family in (PYTHON, NUMPY)
    )


@dataclass(frozen=True, slots=True)
class Unseeded:
    """A draw that differs since nothing fixed its generator.

    Attributes:
        site: the line that should have: the draw's own for a global generator, and the line that made it, or
            that reseeded it from the operating system, for others.
        maker: the library's function that made it, where one did.
        reseeded: whether the program asks the operating system for its seed, at `site`.
        also: what else was never seeded, in words; "" for nothing.
    """

    draw: Fact[Draw]
    site: Site | None
    maker: str | None
    also: str
    reseeded: bool = False


def unseeded(evidence: Evidence, family: Collection[str]) -> Unseeded | None:
    """The first draw of a family that differs, if nothing fixed its generator."""
    found = differing_draw(evidence, family)
    if found is None or found.a is None or found.b is None:
        return None
    for rows, draw in ((evidence.a, found.a), (evidence.b, found.b)):
        seeding = Tapes(rows).seeding(draw)
        if seeding is None:
            continue
        made = seeding.detail
        from_system = made.value is None if isinstance(made, Seed) else not made.seeded
        if from_system:
            made_at = _copied_from(rows, seeding) or seeding
            site, by = made_at.site or draw.site, made_at.detail.by
            if _imported(made_at):  # a library's own: an import is no line to change
                site, by = draw.site, "a library as it was imported"
            reseeded = isinstance(made, Seed) and made.generator in GLOBAL
            return Unseeded(found.a, site, by, also_unseeded(evidence, found.a), reseeded)
        if of(draw) not in GLOBAL:
            return None
    if found.a.detail.seeded:
        return None
    return Unseeded(found.a, found.a.site, found.a.detail.by, also_unseeded(evidence, found.a))


def _copied_from(rows: Sequence[Fact[Detail]], made: Fact[Seeding]) -> Fact[Create] | None:
    """What a copy is a copy of: the last generator before it of its kind that nothing seeded."""
    if not (made.detail.by or "").startswith(("copy.", "pickle.", "_pickle.", "copyreg.")):
        return None
    earlier = [
        fact
        for fact in of_kind(rows, Create)
        if of(fact) == of(made) and fact.at <= made.at and fact.detail.by is None and not fact.detail.seeded
    ]
    return earlier[-1] if earlier else None


def also_unseeded(evidence: Evidence, draw: Fact[Draw] | None = None) -> str:
    """What else the program draws from that nothing seeded, in words, so that one round mends all.

    ``draw``: what is said already; None: torch's generator is.
    """
    others: dict[str, None] = {}
    for other in never_seeded(evidence):
        if other is draw or (draw is not None and of(other) == of(draw) and of(other) in GLOBAL):
            continue
        others[f"{_named(other)} ({spot(other.site)})"] = None
    if draw is not None and not _torch_seeded(evidence) and (drawn := _torch_draws(evidence)):
        others[f"torch's generator ({drawn})"] = None
    return f" Also never seeded: {', '.join(others)}." if others else ""


def _named(draw: Fact[Draw]) -> str:
    name = _NAMES.get(of(draw))
    return name or f"a {of(draw)} object" + (f" of {draw.detail.by}" if draw.detail.by else "")


def _torch_seeded(evidence: Evidence) -> bool:
    rows, _ = facts(evidence, Seed, beyond=True)
    made, _ = facts(evidence, Create)
    return any(of(fact) == "torch" for fact in rows) or not any(of(fact) == "torch" for fact in made)


def _torch_draws(evidence: Evidence) -> str | None:
    """The place of an operation near the divergence that draws from torch's generator."""
    divergence = evidence.divergence
    near = (*divergence.before, divergence.event, *divergence.after_a)
    drawn = (event for event in near if event.flags & RANDOM and not event.flags & OWN_GENERATOR)
    return next((spot(event.site) for event in drawn), None)


def made_unseeded(evidence: Evidence, family: Collection[str]) -> Fact[Create] | None:
    """A generator object made without a seed whose draws were not seen, where a batch is what differs.

    A dataset draws from it in the workers of a loader, which may keep no record.
    """
    if evidence.divergence.event.kind != "batch":
        return None
    made, _ = facts(evidence, Create)
    drawn, _ = facts(evidence, Draw)
    seen = {of(fact) for fact in drawn}
    rows = [fact for fact in made if of(fact) in family and of(fact) not in seen and not _imported(fact)]
    return next((fact for fact in rows if not fact.detail.seeded), None)


def _imported(made: Fact[Seeding]) -> bool:
    """Whether a library made a generator as it was imported, which its own tables may have needed."""
    return (made.detail.by or "") == "importlib"


def differing_seed(evidence: Evidence, family: Collection[str] | None = None) -> FactPair[Seeding] | None:
    """The first seeding, by a value and not by the system, that differs between the runs."""

    def value(fact: Fact[Seeding] | None) -> object:
        return None if fact is None else fact.detail.value

    rows_a, rows_b = _seedings(evidence, beyond=True)

    def shuffled(pair: FactPair[Seeding]) -> bool:
        """Threads seed with the same numbers in the order in which they happen to run."""
        values_a = {value(f) for f in rows_a if f.site == pair.site}
        values_b = {value(f) for f in rows_b if f.site == pair.site}
        return len(values_a) > 2 and 2 * len(values_a & values_b) >= len(values_a | values_b)

    seedings: list[FactPair[Seeding]] = pairs(evidence, Seed, Create)
    for pair in seedings:
        if (family is not None and of(pair.fact) not in family) or shuffled(pair) or _handed_down(pair.fact):
            continue
        if pair.differs(lambda d: d.value) and value(pair.a) is not None and value(pair.b) is not None:
            return pair
    return None


def _handed_down(seeding: Fact[Seeding]) -> bool:
    """Whether a generator got its state from another, as a worker's from its loader's."""
    # torch's own is made at no line, too
    return seeding.site is None or (seeding.detail.by or "").startswith(_HANDED)


def differs_elsewhere(evidence: Evidence) -> bool:
    """Whether an unseeded draw, a seed or an order was seen to differ: more than a guess may say."""
    if any(parting.how == "state" and not parting.fact.detail.seeded for parting in partings(evidence)):
        return True
    orders: list[FactPair[Iteration | Sort | Listing | Completion]]
    orders = pairs(evidence, Iteration, Sort, Listing, Completion)
    return differing_seed(evidence) is not None or any(p.differs(lambda d: d.order) for p in orders)


def seed_drawn(evidence: Evidence, seed: Fact[Seeding]) -> Fact[Draw] | None:
    """The draw that a seed comes from: `random.randint` before `torch.manual_seed`, with differing values."""
    for parting in partings(evidence):
        draw = parting.a
        if parting.how != "state" or draw is None or draw.process != seed.process or draw.at > seed.at:
            continue
        if not draw.detail.seeded:
            return draw
    return None


def weight(evidence: Evidence, draw: Fact[Draw]) -> float:
    """How far a differing draw can be behind the divergence: as a value, or as the seed made of it."""
    seeded = differing_seed(evidence)
    if seeded is not None and seeded.a is not None and seed_drawn(evidence, seeded.a) is draw:
        return 0.97 * reach(evidence, draw)
    return sure(evidence, draw, 1.0)


def seeded_by_system(evidence: Evidence, *, own: bool) -> Fact[Seed] | None:
    """Where torch's global generator, or any generator object, was seeded from the system's entropy.

    Of the global one only the last seeding counts; which of several objects drew is not known.
    """
    rows, _ = facts(evidence, Seed)
    mine = [fact for fact in rows if of(fact) == ("torch.Generator" if own else "torch")]
    asked = [fact for fact in (mine if own else mine[-1:]) if fact.detail.value is None]
    return asked[-1] if asked else None


def ever_seeded(evidence: Evidence, generator: str, process: str) -> bool:
    """Whether both runs seeded a process-wide generator before the divergence."""
    return all(
        any(of(fact) == generator and fact.process == process and before(evidence, fact) for fact in rows)
        for rows in facts(evidence, Seed)
    )
