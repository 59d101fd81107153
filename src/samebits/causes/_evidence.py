"""Reading evidence: the facts of two runs laid side by side, and how far a difference in them can reach.

What is about an object is paired by that object: a path, whoever opens or lists it and whenever; the elements
of a set.  All else is paired by process, kind, line and how often that line had been reached, since two
runs of one script reach the same lines.  Each matcher then asks for the first pair that differs.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, cast

from samebits.model.cause import Evidence
from samebits.model.events import RANDOM
from samebits.model.facts import D, Detail, Fact, File, Iteration, Listing, Probe, Save, Sort, Write
from samebits.model.operators import is_nondeterministic
from samebits.model.sites import Site, at, short_path

#: The digest of the inputs of an operation that has none; what it makes came from outside.
NO_INPUTS: Final = 1


def is_random(evidence: Evidence) -> bool:
    """Whether the divergence is at an operation that draws from a torch generator."""
    return bool(evidence.divergence.event.flags & RANDOM)


def spot(site: Site | None) -> str:
    """A place in words: "train.py:11"."""
    return at(short_path(site.file), site.line) if site else "an unknown line"


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


Key = tuple[object, ...]


def _place(fact: Fact[Detail]) -> Key:
    """Where, and by what, a fact was made."""
    site = (fact.site.file, fact.site.line) if fact.site else None
    named = (getattr(fact.detail, "generator", None), getattr(fact.detail, "call", None))
    return (fact.process, fact.kind, site, *named)


def _line(fact: Fact[Detail]) -> Key | None:
    """The place; None for what says nothing of another file than its own."""
    return None if isinstance(fact.detail, File | Probe) else _place(fact)


def _elements(fact: Fact[Detail]) -> Key | None:
    """The set that a line took the elements of."""
    content = getattr(fact.detail, "content", None) if isinstance(fact.detail, Iteration) else None
    return None if content is None else (*_place(fact), content)


def _path(fact: Fact[Detail]) -> Key | None:
    """The file or folder that a fact is about."""
    path = getattr(fact.detail, "path", None)
    return None if path is None else (fact.kind, getattr(fact.detail, "call", None), path)


class _Side(Generic[D]):
    """The facts of one run that have no counterpart yet, in order."""

    def __init__(self, rows: Sequence[Fact[D]]) -> None:
        self.rows = rows
        self.left = dict.fromkeys(range(len(rows)))
        self.users: dict[Key | None, set[str]] = {}
        for fact in rows:
            self.users.setdefault(_path(fact), set()).add(fact.process)

    def keyed(self, key: Callable[[Fact[D]], Key | None]) -> dict[tuple[Key, int], int]:
        """(Key, how often it came before) -> the number of the fact."""
        found: dict[tuple[Key, int], int] = {}
        seen: dict[Key, int] = {}
        for number in self.left:
            if (of := key(self.rows[number])) is not None:
                seen[of] = seen.get(of, -1) + 1
                found[of, seen[of]] = number
        return found


def _paired(rows_a: Sequence[Fact[D]], rows_b: Sequence[Fact[D]]) -> list[FactPair[D]]:
    """The facts of two runs side by side, in the order of the first run, then what the second has alone."""
    a, b = _Side(rows_a), _Side(rows_b)

    def by_one(fact: Fact[D]) -> Key | None:
        """The object, where one and the same process alone used it: then its uses have an order."""
        of = _path(fact)
        return of if len(a.users.get(of, set()) | b.users.get(of, set())) == 1 else None

    def alike(fact: Fact[D]) -> Key | None:
        """The object and what was seen of it: the system decides which of several processes comes first."""
        of = _path(fact)
        return None if of is None else (of, repr(fact.detail))

    partner: dict[int, int] = {}
    for key in (by_one, alike, _path, _elements, _line):
        keyed = b.keyed(key)
        for of, number in a.keyed(key).items():
            if of in keyed:
                partner[number] = keyed[of]
                del a.left[number], b.left[keyed[of]]
    found = [FactPair(fact, rows_b[partner[n]] if n in partner else None) for n, fact in enumerate(rows_a)]
    return found + [FactPair(None, rows_b[number]) for number in b.left]


def pairs(evidence: Evidence, *kinds: type[D], beyond: bool = False) -> list[FactPair[D]]:
    """The facts of two runs side by side, from before the divergence (or a little ``beyond`` too).

    What is about a path is paired over the whole runs: one of them may come to it later.  Where it did, the
    pair is left out: neither a difference nor an absence is shown by it.
    """
    rows_a, rows_b = facts(evidence, *kinds, beyond=True)
    if beyond:
        return _paired(rows_a, rows_b)
    rows_a, rows_b = ([f for f in rows if _path(f) or before(evidence, f)] for rows in (rows_a, rows_b))
    found = _paired(rows_a, rows_b)
    return [p for p in found if all(before(evidence, fact) for fact in (p.a, p.b) if fact is not None)]


def first(found: Sequence[FactPair[D]], test: Callable[[FactPair[D]], bool]) -> FactPair[D] | None:
    """The first pair that passes."""
    return next((pair for pair in found if test(pair)), None)


def nearest(found: Sequence[FactPair[D]], test: Callable[[FactPair[D]], bool]) -> FactPair[D] | None:
    """The last pair that passes: the one nearest before the divergence."""
    return next((pair for pair in reversed(found) if test(pair)), None)


def made_elsewhere(taken: FactPair[Iteration | Sort]) -> Site | None:
    """Where a set was made whose elements were taken, if that is another line than where they were."""
    made = getattr(taken.detail, "made", None)
    if made is None or made == spot(taken.site):
        return None
    file, _, line = str(made).rpartition(":")
    return Site(file, int(line))


def _filled(rows: Iterable[Fact[Detail]], listing: Fact[Listing]) -> bool:
    """Whether a run wrote all that it then found in a folder."""
    folder = listing.detail.folder
    written = {
        fact.detail.path
        for fact in rows
        if isinstance(fact.detail, Write | Save)
        and fact.at <= listing.at
        and _under(str(fact.detail.path), folder)
    }
    return 0 < (listing.detail.n or 0) <= len(written)


def in_place(opened: Detail) -> bool:
    """Whether a file was opened to be added to, or changed: each run then leaves another."""
    return isinstance(opened, Write) and not {"a", "+"}.isdisjoint(opened.mode or "")


def first_writers(evidence: Evidence) -> dict[str, Fact[Write | Save]]:
    """Path -> where the first run wrote it; a folder counts as written where a file in it was."""
    found: dict[str, Fact[Write | Save]] = {}
    written: list[Fact[Write | Save]] = of_kind(evidence.a, Write, Save)
    for fact in written:
        path = os.path.normpath(str(fact.detail.path))
        while path not in ("", ".", os.sep):
            found.setdefault(path, fact)
            path = os.path.dirname(path)
    return found


def left_in(evidence: Evidence, listing: FactPair[Listing]) -> Fact[Write | Save] | None:
    """What the first run wrote into a folder after it had listed it, where the second found more there."""
    if listing.a is None or listing.b is None or listing.detail.by is not None:
        return None
    if (listing.b.detail.n or 0) <= (listing.a.detail.n or 0):
        return None
    listed = False
    for fact in evidence.a:
        listed = listed or fact is listing.a
        if (
            listed
            and isinstance(fact.detail, Write | Save)
            and _under(os.path.normpath(str(fact.detail.path)), listing.a.detail.folder)
        ):
            return cast("Fact[Write | Save]", fact)
    return None


def renamed(evidence: Evidence, listing: FactPair[Listing]) -> bool:
    """Whether two listings are of one folder that has a new name in every run, as temporary folders do.

    Of two folders that both runs have, each run only came to another one first.
    """
    if listing.a is None or listing.b is None or listing.equal(lambda d: d.path):
        return False
    return not any(
        _under(path, other.detail.folder)
        for other, rows in ((listing.a, evidence.b), (listing.b, evidence.a))
        for path in _paths(rows)
    )


def _paths(rows: Iterable[Fact[Detail]]) -> set[str]:
    """All that a run listed, read and wrote."""
    used = [fact.detail for fact in rows if isinstance(fact.detail, Listing | File | Write)]
    return {d.folder if isinstance(d, Listing) else str(d.path) for d in used}


def _under(path: str, folder: str) -> bool:
    return os.path.join(path, "").startswith(os.path.join(folder, ""))


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
    if not both and _filled(evidence.a, listing.a) and _filled(evidence.b, listing.b):
        return True  # each run made as many files there, by names of its own
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
