"""Where in a program's source a thing is made, and whether a line can run only once.

A fix belongs where a thing is made: a set, a loader, an environment.  A constant seed belongs only where
the line runs once, since the same seed a hundred times makes a hundred equal things.  Both are read from the
source of the whole program; what cannot be followed is not known, and not guessed.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from samebits.causes._edits import Draft, UnclearPlace
from samebits.causes._patch import Patch
from samebits.model.facts import Detail, Fact
from samebits.model.sites import Site

_DEPTH: Final = 6  # names, calls and parameters followed from one to the next
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

Made = tuple[Draft, ast.expr]


def last_name(node: ast.AST) -> str:
    """`manual_seed` of `torch.manual_seed(0)`, or of the function itself."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def calls_at(draft: Draft, line: int, names: Collection[str] | None = None) -> list[ast.Call]:
    """The calls on a line, by their last name; those that begin there first, inner ones before outer."""
    found = [
        node
        for node in draft.at(line)
        if isinstance(node, ast.Call) and (names is None or last_name(node) in names)
    ]
    return sorted(found, key=lambda call: (call.func.end_lineno != line, len(ast.unparse(call))))


def call_at(draft: Draft, site: Site | None, names: Collection[str] | None = None) -> ast.Call:
    found = calls_at(draft, site.line, names) if site is not None else []
    if not found:
        raise UnclearPlace("no such call is on the line")
    return found[0]


def repeated(draft: Draft, node: ast.AST) -> bool:
    """Whether a node lies in a loop or comprehension of its function (or of the module)."""
    below = node
    for above in draft.names.parents(node):
        if isinstance(above, (*_FUNCTIONS, ast.Lambda, ast.ClassDef)):
            return False
        if isinstance(above, ast.While) or (
            isinstance(above, ast.For | ast.AsyncFor) and below is not above.iter
        ):
            return True
        if isinstance(above, _COMPREHENSIONS) and below is not above.generators[0]:
            return True
        below = above
    return False


def _held(draft: Draft, node: ast.AST) -> tuple[str, ast.AST] | None:
    """What must be called that a node runs: a function's name, or a class's for what its `__init__` does."""
    for above in draft.names.parents(node):
        if isinstance(above, ast.Lambda):
            return "", above
        if isinstance(above, _FUNCTIONS):
            owner = draft.names.parent(above)
            name = owner.name if isinstance(owner, ast.ClassDef) and above.name == "__init__" else above.name
            return name, above
    return None


def mentions(patch: Patch, name: str) -> list[tuple[Draft, ast.AST, bool]]:
    """Where a function or class is named in the program, and whether it is called there."""
    found: list[tuple[Draft, ast.AST, bool]] = []
    for draft in patch.every():
        for node in ast.walk(draft.tree):
            if isinstance(node, ast.Name | ast.Attribute) and last_name(node) == name:
                above = draft.names.parent(node)
                found.append((draft, node, isinstance(above, ast.Call) and above.func is node))
    return found


def once(patch: Patch, draft: Draft, node: ast.AST, depth: int = 0) -> bool:
    """Whether the source shows that a node runs at most once in a process."""
    if repeated(draft, node) or depth > _DEPTH:
        return False
    held = _held(draft, node)
    if held is None:
        return True
    places = mentions(patch, held[0]) if held[0] else []
    return len(places) == 1 and places[0][2] and once(patch, places[0][0], places[0][1], depth + 1)


def runs_once(patch: Patch, draft: Draft, node: ast.AST, site: Site | None, kind: type[Detail]) -> bool:
    """Whether a line ran once as far as both the record and the source show."""
    return seen(patch, site, kind) <= 1 and once(patch, draft, node)


def facts_at(
    rows: Iterable[Fact[Detail]], site: Site | None, kind: type[Detail] = Detail
) -> list[Fact[Detail]]:
    """The facts of a kind that a line left."""
    if site is None:
        return []
    return [
        fact
        for fact in rows
        if isinstance(fact.detail, kind)
        and fact.site
        and (fact.site.file, fact.site.line) == (site.file, site.line)
    ]


def seen(patch: Patch, site: Site | None, kind: type[Detail], *, second: bool = False) -> int:
    """How often a line left a fact of a kind in one run."""
    rows = patch.evidence.b if second else patch.evidence.a
    return sum(fact.detail.count or 1 for fact in facts_at(rows, site, kind))


def made(
    patch: Patch, draft: Draft, node: ast.expr, depth: int = 0, through: set[str] | None = None
) -> list[Made] | None:
    """The expressions that make what an expression is: through variables, attributes, functions, parameters.

    None where some of them cannot be followed.  ``through`` collects the names on the way.
    """
    through = set() if through is None else through
    if isinstance(node, ast.Name | ast.Attribute):
        through.add(last_name(node))
    if depth > _DEPTH:
        return None
    if isinstance(node, ast.Name):
        return _of_name(patch, draft, node, depth, through)
    if isinstance(node, ast.Attribute):
        return _all(patch, _stored(patch, node.attr), depth, through)
    if isinstance(node, ast.IfExp):
        return _all(patch, [(draft, node.body), (draft, node.orelse)], depth, through)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
        returned = list(_returned(patch, draft, node))
        if returned:
            return _all(patch, returned, depth, through)
    return [(draft, node)]


def _all(patch: Patch, places: list[Made], depth: int, through: set[str]) -> list[Made] | None:
    found: list[Made] = []
    for draft, node in places:
        each = made(patch, draft, node, depth + 1, through)
        if each is None:
            return None
        found += [one for one in each if all(one[1] is not other[1] for other in found)]
    return found or None


def _of_name(patch: Patch, draft: Draft, name: ast.Name, depth: int, through: set[str]) -> list[Made] | None:
    values = draft.names.values(name)
    if values is not None:
        unpacked = [value for value in values if not isinstance(value, ast.Tuple)]
        return _all(patch, [(draft, value) for value in unpacked], depth, through)
    for function in draft.names.parents(name):
        if isinstance(function, _FUNCTIONS):
            return _all(patch, list(_passed(patch, function, name.id)), depth, through)
    return None


def _passed(patch: Patch, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> Iterator[Made]:
    """What a parameter is given by the calls of its function."""
    parameters = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    if name not in parameters:
        return
    for draft, node, called in mentions(patch, function.name):
        call = draft.names.parent(node)
        if not called or not isinstance(call, ast.Call):
            continue
        bound = isinstance(call.func, ast.Attribute) and parameters[:1] in (["self"], ["cls"])
        number = parameters.index(name) - bound
        if 0 <= number < len(call.args):
            yield draft, call.args[number]
        else:
            yield from ((draft, given.value) for given in call.keywords if given.arg == name)


def _stored(patch: Patch, attribute: str) -> list[Made]:
    """All that is assigned to attributes of a name."""
    found: list[Made] = []
    for draft in patch.every():
        for node in ast.walk(draft.tree):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(t, ast.Attribute) and t.attr == attribute for t in targets):
                    found.append((draft, node.value))
    return found


def _returned(patch: Patch, draft: Draft, call: ast.Call) -> Iterator[Made]:
    """What the program's own function of that name returns."""
    name = last_name(call)
    for other in patch.every():
        for node in ast.walk(other.tree):
            if isinstance(node, _FUNCTIONS) and node.name == name:
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Return) and inner.value and other.names.function(inner) is node:
                        yield other, inner.value


def iterated(draft: Draft, line: int, takers: Collection[str]) -> Iterator[ast.expr]:
    """The expressions on a line whose elements are taken in order."""
    for node in draft.at(line):
        if isinstance(node, ast.For | ast.AsyncFor) and node.iter.lineno <= line:
            yield node.iter
        elif isinstance(node, _COMPREHENSIONS):
            yield from (one.iter for one in node.generators)
        elif isinstance(node, ast.Starred) and isinstance(node.ctx, ast.Load):
            yield node.value
        elif isinstance(node, ast.Call) and last_name(node) in takers:
            yield from (
                one
                for one in node.args
                if not isinstance(one, ast.Starred | ast.GeneratorExp | ast.Constant | ast.Lambda)
            )
