"""Reading evidence: the facts of two runs laid side by side, and how far a difference in them can reach.

Facts of two runs are paired by process, kind, line and how often that line had been reached, since two
runs of one script reach the same lines.  Each matcher then asks for the first pair that differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, cast

from samebits.model.cause import Evidence
from samebits.model.events import RANDOM
from samebits.model.facts import D, Detail, Fact, File, Listing
from samebits.model.operators import is_nondeterministic
from samebits.model.sites import Site

#: The digest of the inputs of an operation that has none; what it makes came from outside.
NO_INPUTS: Final = 1


def is_random(evidence: Evidence) -> bool:
    """Whether the divergence is at an operation that draws from a torch generator."""
    return bool(evidence.divergence.event.flags & RANDOM)


def spot(site: Site | None) -> str:
    """A place in words: "train.py:11"."""
    return str(site) if site else "an unknown line"


@dataclass(frozen=True, slots=True)
class FactPair(Generic[D]):
    """One fact in both runs; None where a run has it alone."""

    a: Fact[D] | None
    b: Fact[D] | None

    @property
    def fact(self) -> Fact[D]:
        fact = self.a or self.b
        assert fact is not None
        return fact

    @property
    def detail(self) -> D:
        return self.fact.detail

    @property
    def site(self) -> Site | None:
        return self.fact.site

    def differs(self, of: Callable[[D], object]) -> bool:
        """Whether both runs have the fact, and what ``of`` takes from it differs."""
        return self.a is not None and self.b is not None and of(self.a.detail) != of(self.b.detail)

    def equal(self, of: Callable[[D], object]) -> bool:
        return self.a is not None and self.b is not None and of(self.a.detail) == of(self.b.detail)


def before(evidence: Evidence, fact: Fact[Detail]) -> bool:
    """Whether a fact came before the divergence, and so can have led to it."""
    divergence = evidence.divergence
    if fact.process == divergence.process and divergence.event.thread == 0:
        return fact.at <= divergence.event.index
    return fact.step <= divergence.step


def of_kind(rows: Iterable[Fact[Detail]], *kinds: type[D]) -> list[Fact[D]]:
    """The facts of some kinds."""
    return [cast("Fact[D]", fact) for fact in rows if isinstance(fact.detail, kinds)]


def facts(evidence: Evidence, *kinds: type[D], beyond: bool = False) -> tuple[list[Fact[D]], list[Fact[D]]]:
    """The facts of some kinds, of both runs, from before the divergence (or a little ``beyond`` too)."""

    def chosen(rows: Sequence[Fact[Detail]]) -> list[Fact[D]]:
        return [fact for fact in of_kind(rows, *kinds) if beyond or before(evidence, fact)]

    return chosen(evidence.a), chosen(evidence.b)


def _keys(rows: Sequence[Fact[D]]) -> Iterator[tuple[tuple[object, ...], Fact[D]]]:
    seen: dict[tuple[object, ...], int] = {}
    for fact in rows:
        site = (fact.site.file, fact.site.line) if fact.site else None
        named = (getattr(fact.detail, "generator", None), getattr(fact.detail, "call", None))
        key = (fact.process, fact.kind, site, *named)
        seen[key] = seen.get(key, -1) + 1
        yield (*key, seen[key]), fact


def pairs(evidence: Evidence, *kinds: type[D], beyond: bool = False) -> list[FactPair[D]]:
    """The facts of two runs side by side, in the order of the first run, then what the second has alone."""
    rows_a, rows_b = facts(evidence, *kinds, beyond=beyond)
    left = dict(_keys(rows_b))
    found = [FactPair(fact, left.pop(key, None)) for key, fact in _keys(rows_a)]
    return found + [FactPair(None, fact) for fact in left.values()]


def first(found: Sequence[FactPair[D]], test: Callable[[FactPair[D]], bool]) -> FactPair[D] | None:
    """The first pair that passes."""
    return next((pair for pair in found if test(pair)), None)


def nearest(found: Sequence[FactPair[D]], test: Callable[[FactPair[D]], bool]) -> FactPair[D] | None:
    """The last pair that passes: the one nearest before the divergence."""
    return next((pair for pair in reversed(found) if test(pair)), None)


def reordered(evidence: Evidence, listing: FactPair[Listing]) -> bool:
    """Whether two listings of unlike names led to the same files' contents in another order.

    Names with a job or process number in them are new in every run; what the files hold need not be.
    """
    if listing.a is None or listing.b is None or not listing.equal(lambda d: d.n):
        return False
    rows_a, rows_b = facts(evidence, File, beyond=True)
    read_a = {f.detail.digest: f.detail.path for f in rows_a if f.at >= listing.a.at}
    read_b = {f.detail.digest: f.detail.path for f in rows_b if f.at >= listing.b.at}
    both = read_a.keys() & read_b.keys()
    return bool(both) and list(read_a) != list(read_b) and all(read_a[d] != read_b[d] for d in both)


def outside(evidence: Evidence) -> float:
    """How far something outside of torch can be behind the divergence, 0..1.

    Equal tensors in and other bits out leave little to what came from outside (a number passed as an
    argument), and nothing where the kernel is known for it.
    """
    divergence = evidence.divergence
    if divergence.change != "value":
        return 1.0
    if is_random(evidence):
        if divergence.inputs_equal is False and divergence.generators_equal is True:
            return 1.0
        return 0.3 if divergence.generators_equal is False else 0.6
    if divergence.inputs_equal is True and divergence.event.inputs != NO_INPUTS:
        return 0.2 if is_nondeterministic(divergence.event.name) else 0.85
    if divergence.inputs_equal is None and is_nondeterministic(divergence.event.name):
        return 0.7
    return 1.0


def reach(evidence: Evidence, fact: Fact[Detail]) -> float:
    """How near a fact lies before the divergence: a little under 1 for what lies steps behind."""
    divergence = evidence.divergence
    behind = divergence.step - fact.step
    near = 1.0 if behind <= 1 else 0.93 if fact.step == 0 else 0.85
    if fact.process == divergence.process and divergence.event.index > 0:
        near *= 0.97 + 0.03 * min(1.0, fact.at / divergence.event.index)
    return near


def sure(evidence: Evidence, fact: Fact[Detail], base: float) -> float:
    """A confidence for a cause that came from outside through ``fact``."""
    return base * outside(evidence) * reach(evidence, fact)
