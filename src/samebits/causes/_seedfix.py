"""Seeds where none was given: what a cause asks for, and the line that makes a generator.

All that was never seeded is seeded in one round.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from samebits.causes._edits import Draft, UnclearPlace
from samebits.causes._libraryfix import seed_library
from samebits.causes._patch import InWords, Patch
from samebits.causes._startfix import FAMILIES, fresh, in_workers, never_seeded, other_processes, seed_start
from samebits.causes._trace import call_at, calls_at, facts_at, last_name, made, seen
from samebits.model import calls
from samebits.model.facts import Create, Detail, Draw, Seed
from samebits.model.finding import Finding
from samebits.model.sites import Site

_OBJECTS: Final = frozenset(
    {*calls.PYTHON_GENERATORS, *calls.PYTHON_ENTROPY, *calls.NUMPY_GENERATORS, *calls.BIT_GENERATORS}
)
_BITS: Final = {"RandomState": 32}


# -- objects


def seed_object(patch: Patch, site: Site | None, kind: type[Detail] = Create) -> None:
    """Give the generator object that a line makes, or reseeds from the system, a seed by its signature."""
    draft = patch.draft(site)
    assert site is not None
    found = calls_at(draft, site.line, _OBJECTS)
    if found:
        call = found[0]
        given: list[ast.expr] = [*call.args, *(word.value for word in call.keywords)]
        if given and not (isinstance(given[0], ast.Constant) and given[0].value is None):
            if not _seed_sequences(patch, draft, site):
                _instead_of_none(patch, draft, given[0], site, kind)
            return
        number = fresh(patch, draft, call, site, kind, _BITS.get(last_name(call), 64))
        function = draft.source(call.func)
        if last_name(call) in calls.PYTHON_ENTROPY:  # which takes no seed
            function = f"{draft.module('random', call.lineno)}.Random"
        draft.replace(call, f"{function}({number})")
        return
    if not calls_at(draft, site.line, {"seed", "seed_all"}):
        _seed_drawn_from(patch, draft, site)
        return
    call = call_at(draft, site, {"seed", "seed_all"})
    bits = 32 if draft.names.qualified(call.func) == "numpy.random.seed" else 63
    number = fresh(patch, draft, call, site, Seed, bits)
    used = not isinstance(draft.names.parent(call), ast.Expr)
    owner = draft.source(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if draft.names.qualified(call.func) in ("random.seed", "numpy.random.seed"):
        if len(call.args) == 1 and isinstance(call.args[0], ast.Name | ast.Attribute | ast.Subscript):
            none = draft.source(call.args[0])  # which it is in this run
            draft.replace(call.args[0], f"{number} if {none} is None else {none}")
            return
        draft.replace(call, f"{draft.source(call.func)}({number})")
        return
    name = "manual_seed_all" if last_name(call) == "seed_all" else "manual_seed"
    draft.replace(call, f"{owner}.{name}({number}){'.initial_seed()' if used else ''}")


def _instead_of_none(patch: Patch, draft: Draft, given: ast.expr, site: Site, kind: type[Detail]) -> None:
    """What is given is None in this run, as a configuration may have it: then a number."""
    rows = [fact.detail for fact in facts_at(patch.evidence.a, site, Create)]
    unseeded = any(isinstance(row, Create) and row.seeded is False for row in rows)
    if not unseeded or not isinstance(given, ast.Name | ast.Attribute | ast.Subscript):
        raise UnclearPlace("it is made of something else")
    source = draft.source(given)
    number = fresh(patch, draft, given, site, kind, 32)
    draft.replace(given, f"{number} if {source} is None else {source}")


def _seed_sequences(patch: Patch, draft: Draft, site: Site) -> bool:
    """What the generator is made of comes from a `SeedSequence` without entropy: that gets a number."""
    found = [
        node
        for node in ast.walk(draft.tree)
        if isinstance(node, ast.Call)
        and draft.names.called(node) == "numpy.random.SeedSequence"
        and not (node.args or node.keywords)
    ]
    for call in found:
        number = fresh(patch, draft, call, Site(site.file, call.lineno), Create, 64)
        draft.replace(call, f"{draft.source(call.func)}({number})")
    return bool(found)


def _seed_drawn_from(patch: Patch, draft: Draft, site: Site) -> None:
    """The line draws (`self.rng.normal()`): its object gets the seed where that is made."""
    places: list[Site] = []
    for call in calls_at(draft, site.line, {*calls.PYTHON_DRAWS, *calls.NUMPY_DRAWS}):
        if isinstance(call.func, ast.Attribute):
            for other, node in made(patch, draft, call.func.value) or []:
                if isinstance(node, ast.Call) and last_name(node) in _OBJECTS:
                    places.append(Site(other.file, node.lineno))
    if not places or site in places:
        raise UnclearPlace("where the generator is made is not known")
    for place in dict.fromkeys(places):
        seed_object(patch, place)


def unseeded_objects(patch: Patch) -> Iterator[Site]:
    """Where the program itself makes generators without a seed."""
    sites = {}
    for fact in patch.evidence.a:
        row = fact.detail
        if not isinstance(row, Create) or row.seeded is not False or row.by or fact.site is None:
            continue
        if row.generator != "torch.Generator":  # that starts from a number that is fixed in torch
            sites[fact.site.file, fact.site.line] = fact.site
    yield from sites.values()


# -- what causes ask for


def seed_everything(patch: Patch, finding: Finding, family: str) -> str | None:
    """The fix of a generator that was never seeded: its own seed, and all others that are missing."""
    subject = finding.subject
    generator = str(getattr(subject, "generator", "") or "")
    site = finding.site
    if not generator:
        here = [
            f.detail
            for f in patch.evidence.a
            if isinstance(f.detail, Create | Draw | Seed) and f.site == site
        ]
        generator = next((str(row.generator) for row in here if _family(row) == family), family)
    subject = subject or next((fact.detail for fact in facts_at(patch.evidence.a, site, Create)), None)
    named = generator not in FAMILIES or bool(getattr(subject, "by", None))
    if other_processes(patch, site, Draw) and not in_workers(patch):
        raise UnclearPlace("a process draws that no seed of the program's start reaches")
    missing = never_seeded(patch)
    if site is not None and named and seed_library(patch, finding):
        pass
    elif generator in FAMILIES and not _reseeded(patch, site, family):
        missing.add(family)
    elif by := getattr(subject, "by", None):
        raise InWords(
            f"# {site}: {by} makes a generator of its own; give it the seed that it takes (seed=,\n"
            "# random_state=, rng=), or let samebits run seed it without a change to the program"
        )
    else:
        seed_object(patch, site)
    if missing:
        seed_start(patch, missing)
    for other in unseeded_objects(patch):
        if site is None or (other.file, other.line) != (site.file, site.line):
            try:
                seed_object(patch, other)
            except UnclearPlace:
                continue
    return None


def _family(row: Create | Draw | Seed) -> str:
    return str(row.generator).partition(".")[0]


def _reseeded(patch: Patch, site: Site | None, family: str) -> bool:
    """Whether the line itself seeds the process-wide generator from the system: `torch.seed()`."""
    if site is None or not seen(patch, site, Seed):
        return False
    return bool(calls_at(patch.draft(site), site.line, {"seed", "seed_all"}))
