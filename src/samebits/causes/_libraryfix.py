"""Seeds and orders that a library's call takes as an argument, in the library's own words."""

from __future__ import annotations

import ast
from typing import Final

from samebits.causes._edits import Draft, UnclearPlace
from samebits.causes._imports import packages
from samebits.causes._libraries import SEARCHES, SPACES, TRIALS, Argument, argument
from samebits.causes._patch import Patch
from samebits.causes._startfix import fresh
from samebits.causes._trace import calls_at, facts_at, last_name, made
from samebits.model.facts import Create, Draw, TakesSeed
from samebits.model.finding import Finding
from samebits.model.sites import Site


def _libraries_at(patch: Patch, draft: Draft, site: Site) -> set[str]:
    """The packages whose functions a line was seen to draw with, or names."""
    rows = [fact.detail for fact in facts_at(patch.evidence.a, site)]
    words = [str(word) for row in rows for word in (getattr(row, "by", ""), getattr(row, "call", "")) if word]
    words += [draft.names.called(call) or "" for call in calls_at(draft, site.line)]
    return {word.partition(".")[0] for word in words if "." in word}


def keep_order(patch: Patch, site: Site | None) -> bool:
    """Give a method that loses the order of rows the argument that keeps it, in a file that imports it."""
    draft = patch.draft(site)
    modules = packages(draft.tree)
    done = False
    for call in calls_at(draft, site.line) if site is not None else ():
        for library in sorted(modules):
            row = argument(library, last_name(call))
            if row is None or row.value is None or draft.names.called(call) is not None:
                continue
            if row.needs <= {given.arg for given in call.keywords}:
                draft.keyword(call, row.name, row.value)
                done = True
    return done


def seed_library(patch: Patch, finding: Finding) -> bool:
    """Give the library's call on a finding's line the argument that makes it repeat."""
    site = finding.site
    draft = patch.draft(site)
    assert site is not None
    if give_parameter(patch, site):
        return True
    libraries = _libraries_at(patch, draft, site)
    for call in calls_at(draft, site.line):
        for library in libraries:
            if library in SPACES and last_name(call) == "sample":
                _seed_space(patch, draft, call, site)
                return True
            row = argument(library, last_name(call))
            if row is not None and row.value is None:
                _give(patch, draft, call, site, row)
                return True
            if _seed_made(patch, draft, call, site, library):
                return True
    return any(_seed_trials(patch, library) for library in libraries & TRIALS.keys())


#: What a generator of each type is made of, for a parameter that takes one: its module, and the call.
_MAKERS: Final = {
    "python.Random": ("random", "{}.Random({})"),
    "numpy.Generator": ("numpy", "{}.random.default_rng({})"),
    "numpy.RandomState": ("numpy", "{}.random.RandomState({})"),
    "torch.Generator": ("torch", "{}.Generator().manual_seed({})"),
}


_OBJECTS: Final = ("rng", "generator", "random_generator")


def give_parameter(patch: Patch, site: Site | None) -> bool:
    """Give a library's function that a line calls the seed that its signature takes, if it was given none."""
    rows = [fact.detail for fact in patch.evidence.a]
    takes = {row.by: row for row in rows if isinstance(row, TakesSeed)}
    for fact in facts_at(patch.evidence.a, site):
        by = str(getattr(fact.detail, "by", None))
        taken = takes.get(by)
        if taken is None or site is None or (parameter := taken.parameter) is None:
            continue
        draft = patch.draft(site)
        for call in calls_at(draft, site.line, {by.removesuffix(".__init__").rpartition(".")[2]}):
            given = {word.arg for word in call.keywords}
            if given & {parameter, None} or any(isinstance(one, ast.Starred) for one in call.args):
                continue
            if taken.place is not None and len(call.args) >= taken.place:
                continue  # it is given by its place
            maker = _MAKERS.get(str(getattr(fact.detail, "generator", "")))
            if parameter in _OBJECTS and maker is None:
                continue
            value = fresh(patch, draft, call, site, type(fact.detail), 32)
            if parameter in _OBJECTS and maker is not None:
                value = maker[1].format(draft.module(maker[0], call.lineno), value)
            draft.keyword(call, parameter, value)
            return True
    return False


def _give(patch: Patch, draft: Draft, call: ast.Call, site: Site, row: Argument) -> None:
    kind = type(next((fact.detail for fact in facts_at(patch.evidence.a, site)), Draw()))
    draft.keyword(call, row.name, fresh(patch, draft, call, site, kind, 32))


def _seed_made(patch: Patch, draft: Draft, call: ast.Call, site: Site, library: str) -> bool:
    """A method drew: seed its object where that is made (`KMeans(8)` of `model.fit(x)`)."""
    if not isinstance(call.func, ast.Attribute):
        return False
    done = False
    for other, node in made(patch, draft, call.func.value) or []:
        done = _give_maker(patch, other, node, library) or done
    return done


def _give_maker(patch: Patch, draft: Draft, node: ast.AST, library: str) -> bool:
    """The argument of a library's constructor, where it takes one and was given none."""
    row = argument(library, last_name(node)) if isinstance(node, ast.Call) else None
    if row is None or row.value is not None or not isinstance(node, ast.Call):
        return False
    if any(given.arg == row.name for given in node.keywords):
        return False
    draft.keyword(node, row.name, fresh(patch, draft, node, None, Create, 32))
    return True


def _seed_trials(patch: Patch, library: str) -> bool:
    """A search over trials drew: its sampler gets a seed, and one trial runs after the other."""
    done = _give_sampler(patch, library)
    name, threads, value = TRIALS[library]
    for draft in patch.every():
        for node in ast.walk(draft.tree):
            done = _give_maker(patch, draft, node, library) or done
            if not isinstance(node, ast.Call) or last_name(node) != name:
                continue
            if any(given.arg == threads for given in node.keywords):
                draft.keyword(node, threads, value)
                done = True
    return done


def _give_sampler(patch: Patch, library: str) -> bool:
    """A search that makes its sampler by itself is given one like it, with a seed."""
    done = False
    maker, name, sampler = SEARCHES[library]
    for draft in patch.every():
        for node in ast.walk(draft.tree):
            if not isinstance(node, ast.Call) or last_name(node) != maker:
                continue
            if not any(given.arg == name for given in node.keywords):
                number = fresh(patch, draft, node, None, Create, 32)
                draft.keyword(node, name, f"{draft.module(library, node.lineno)}.{sampler.format(number)}")
                done = True
    return done


def _seed_space(patch: Patch, draft: Draft, call: ast.Call, site: Site) -> None:
    """`env.action_space.seed(0)` after the statement that makes the environment."""
    if not isinstance(call.func, ast.Attribute):
        raise UnclearPlace("it is no space's method")
    space = call.func.value
    root: ast.expr = space
    while isinstance(root, ast.Attribute) and not _assigned(draft, root, call):
        root = root.value
    found = _assigned(draft, root, call)
    if len(found) != 1:
        raise UnclearPlace("where the environment is made is not known")
    number = fresh(patch, draft, found[0], None, Draw, 31)
    draft.after(found[0], f"{draft.source(space)}.seed({number})")


def _assigned(draft: Draft, target: ast.expr, seen_from: ast.AST) -> list[ast.Assign]:
    """The statements that assign to a name or attribute as it is written, in the same function or outside."""
    text, scopes = ast.unparse(target), {draft.names.function(seen_from), None}
    return [
        node
        for node in ast.walk(draft.tree)
        if isinstance(node, ast.Assign)
        and any(ast.unparse(one) == text for one in node.targets)
        and draft.names.function(node) in scopes
    ]
