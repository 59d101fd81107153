"""How the generators of two runs were seeded, and what a program drew from them.

Four causes ask the same questions of a generator: was it seeded at all, with one value in both runs,
and did both runs draw as often.
"""

from __future__ import annotations

from collections.abc import Collection
from math import inf
from typing import Final

from samebits.causes._evidence import FactPair, facts, pairs, reach, sure
from samebits.model.cause import Evidence
from samebits.model.facts import Completion, Create, Draw, Fact, Iteration, Listing, Seed, Sort
from samebits.model.sites import Site

PYTHON: Final = frozenset({"python", "python.Random"})
NUMPY: Final = frozenset({"numpy", "numpy.Generator", "numpy.RandomState"})
TORCH: Final = frozenset({"torch", "torch.Generator"})
_GLOBAL: Final = frozenset({"python", "numpy", "torch"})


#: What gives a generator its state.
Seeding = Seed | Create


def of(fact: Fact[Draw | Seed | Create]) -> str:
    """The generator that a fact speaks of."""
    return fact.detail.generator or ""


def _seedings(evidence: Evidence, *, beyond: bool = False) -> tuple[list[Fact[Seeding]], list[Fact[Seeding]]]:
    return facts(evidence, Seed, Create, beyond=beyond)


def differing_draw(evidence: Evidence, family: Collection[str]) -> FactPair[Draw] | None:
    """The first draw from a family of generators that gave the two runs different values."""
    for pair in pairs(evidence, Draw):
        if of(pair.fact) in family and pair.differs(lambda d: d.value):
            return pair
    return None


def _thread(fact: Fact[Draw]) -> tuple[str, int]:
    return fact.process, fact.detail.thread or 0


def extra_draw(evidence: Evidence, family: Collection[str]) -> Fact[Draw] | None:
    """The first draw that one run has alone, while all draws before it of that thread agreed.

    That a list is longer shows one only in the thread that diverges, or where both runs were seen to their
    ends: elsewhere the lists are cut at a moment that means nothing to them.
    """
    rows_a, rows_b = facts(evidence, Draw)
    here = (evidence.divergence.process, evidence.divergence.event.thread)
    for thread in dict.fromkeys(_thread(fact) for fact in (*rows_a, *rows_b)):
        own_a = [fact for fact in rows_a if _thread(fact) == thread and of(fact) in family]
        own_b = [fact for fact in rows_b if _thread(fact) == thread and of(fact) in family]
        for i, (x, y) in enumerate(zip(own_a, own_b, strict=False)):
            if x.site != y.site:
                # The run that soon comes to the other's line drew the extra number.
                in_b = next((k for k, fact in enumerate(own_b[i:]) if fact.site == x.site), inf)
                in_a = next((k for k, fact in enumerate(own_a[i:]) if fact.site == y.site), inf)
                return y if in_b < in_a else x
            if i and x.detail.n != y.detail.n and of(x) in _GLOBAL:
                return own_a[i - 1]  # of many draws on one line only the first are written, all are counted
            if x.detail.value != y.detail.value:
                return None
        if len(own_a) != len(own_b) and (thread == here or evidence.whole):
            longer = own_a if len(own_a) > len(own_b) else own_b
            return longer[min(len(own_a), len(own_b))]
    return None


def last_seed(rows: list[Fact[Seeding]], draw: Fact[Draw]) -> Fact[Seeding] | None:
    """What last seeded the generator that a draw is from, or made it."""
    found = None
    for fact in rows:
        if fact.process == draw.process and fact.at <= draw.at and of(fact) == of(draw):
            found = fact
    return found


def unseeded(evidence: Evidence, family: Collection[str]) -> tuple[Fact[Draw], Site | None] | None:
    """A draw that differs since nothing fixed its generator, and the line that should have.

    That is the draw's own line for a global generator, and the line that made it, or that reseeded it
    from the operating system, for others.
    """
    pair = differing_draw(evidence, family)
    if pair is None or pair.a is None or pair.b is None:
        return None
    rows_a, rows_b = _seedings(evidence)
    seed_a, seed_b = last_seed(rows_a, pair.a), last_seed(rows_b, pair.b)
    for seed in (seed_a, seed_b):
        if seed is None:
            continue
        made = seed.detail
        from_system = made.value is None if isinstance(made, Seed) else not made.seeded
        if from_system:
            return pair.a, seed.site
    if seed_a is not None and seed_b is not None and of(pair.a) not in _GLOBAL:
        return None
    return None if pair.a.detail.seeded else (pair.a, pair.site)


def made_unseeded(evidence: Evidence, family: Collection[str]) -> Fact[Create] | None:
    """A generator object made without a seed whose draws were not seen, where a batch is what differs.

    A dataset draws from it in the workers of a loader, which may keep no record.
    """
    if evidence.divergence.event.kind != "batch":
        return None
    made, _ = facts(evidence, Create)
    drawn, _ = facts(evidence, Draw)
    seen = {of(fact) for fact in drawn}
    rows = [fact for fact in made if of(fact) in family and of(fact) not in seen]
    return next((fact for fact in rows if not fact.detail.seeded), None)


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
        if (family is not None and of(pair.fact) not in family) or shuffled(pair):
            continue
        if pair.differs(lambda d: d.value) and value(pair.a) is not None and value(pair.b) is not None:
            return pair
    return None


def differs_elsewhere(evidence: Evidence) -> bool:
    """Whether an unseeded draw, a seed or an order was seen to differ: more than a guess may say."""
    if any(p.differs(lambda d: d.value) and not p.detail.seeded for p in pairs(evidence, Draw)):
        return True
    orders: list[FactPair[Iteration | Sort | Listing | Completion]]
    orders = pairs(evidence, Iteration, Sort, Listing, Completion)
    return differing_seed(evidence) is not None or any(p.differs(lambda d: d.order) for p in orders)


def seed_drawn(evidence: Evidence, seed: Fact[Seeding]) -> Fact[Draw] | None:
    """The draw that a seed comes from: `random.randint` before `torch.manual_seed`, with differing values."""
    found = None
    for pair in pairs(evidence, Draw):
        if pair.a is None or not pair.differs(lambda d: d.value) or pair.a.process != seed.process:
            continue
        if pair.a.at <= seed.at and of(pair.a) in PYTHON | NUMPY and not pair.a.detail.seeded:
            found = pair.a
            break
    return found


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


def ever_seeded(evidence: Evidence, family: Collection[str], process: str) -> bool:
    """Whether both runs seeded a generator of the family before the divergence."""
    rows_a, rows_b = facts(evidence, Seed)
    return all(
        any(of(fact) in family and fact.process == process for fact in rows) for rows in (rows_a, rows_b)
    )
