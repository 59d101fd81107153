"""What the program's source says of its variables: which a loop carries on, and which something reads.

A census holds every variable.  What a loop sets anew before it reads it is no state, and a counter that
is printed and saved alone reaches nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final

#: Calls that read a value without computing with it.
_QUIET: Final = re.compile(
    r"print|log|info|debug|warning|write|append|format|save|dump|dumps|add_scalar|add_scalars|set_postfix"
    r"|set_description|update|track|record|tqdm|display|isfinite|time|sleep|perf_counter"
)
#: Methods that keep an average up, and give nothing of it to anybody.
_KEEPS_UP: Final = re.compile(r"update\w*|step|train|eval|to|requires_grad_|register")


class Places:
    """The sources of one process."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._trees: dict[str, ast.Module] = {}
        for path, text in sources.items():
            try:
                self._trees[path] = ast.parse(text)
            except (SyntaxError, ValueError):
                continue

    @cached_property
    def _set_anew(self) -> set[str]:
        """Names of variables, "function.name" or "name", that a loop sets before it reads them."""
        found: set[str] = set()
        on: set[str] = set()  # what a loop carries on
        for tree in self._trees.values():
            for place, body in _bodies(tree):
                for loop in _loops(body):
                    order = [*_targets(loop), *_order(loop.body)]
                    first: dict[str, str] = {}
                    for name, how in order:
                        first.setdefault(name, how)
                    found |= {f"{place}{name}" for name, how in first.items() if how == "set"}
                    carried = {f"{place}{name}" for name, how in first.items() if how == "read"}
                    stored = {f"{place}{name}" for name, how in order if how == "set"}
                    on |= carried & stored
        return found - on

    def is_temporary(self, path: str) -> bool:
        """Whether a state's path begins with a variable that its loop sets anew."""
        anew = self._set_anew
        pieces = re.split(r"[.\[#]", path)
        names = {".".join(pieces[:count]) for count in range(1, len(pieces) + 1)}
        return not names.isdisjoint(anew)

    def is_inner_count(self, path: str) -> bool:
        """Whether a variable counts the turns of a loop within a loop."""
        for tree in self._trees.values():
            for place, body in _bodies(tree):
                for loop in _loops(body):
                    for inner in _loops(loop.body):
                        counts = isinstance(inner, ast.For) and ast.unparse(inner.iter).startswith(
                            ("enumerate(", "range(")
                        )
                        targets = _targets(inner) if counts else ()
                        if path in {f"{place}{name}" for name, how in targets if how == "read"}:
                            return True
        return False

    def is_count(self, path: str) -> bool:
        """Whether a variable is set by a loop over a range, which sets it anew."""
        for tree in self._trees.values():
            for place, body in _bodies(tree):
                for loop in _loops(body):
                    ranges = isinstance(loop, ast.For) and ast.unparse(loop.iter).startswith("range(")
                    if ranges and path in {f"{place}{name}" for name, _ in _targets(loop)}:
                        return True
        return False

    def is_inside(self, name: str) -> bool:
        """Whether a variable of this name is one of a function's: a function in it sets it, or it yields."""
        nodes = [node for tree in self._trees.values() for node in ast.walk(tree)]
        if any(isinstance(node, ast.Nonlocal) and name in node.names for node in nodes):
            return True
        if any(isinstance(node, ast.Attribute) and node.attr == name for node in nodes):
            return False
        return any(isinstance(node, ast.FunctionDef) and _yields_with(node, name) for node in nodes)

    def is_carried(self, path: str) -> bool:
        """Whether a variable is given to a call that makes its next value: `out, h = rnn(x, h)`."""
        name = re.split(r"[.\[]", re.sub(r"(\[[^\]]*\])+$", "", path))[-1]
        return any(
            isinstance(node, ast.Assign)
            and any(name in _names(target) for target in node.targets)
            and any(
                _is_read(each, name)
                for call in ast.walk(node.value)
                if isinstance(call, ast.Call)
                for given in (*call.args, *(word.value for word in call.keywords))
                for each in ast.walk(given)
            )
            for tree in self._trees.values()
            for node in ast.walk(tree)
        )

    def is_only_updated(self, path: str) -> bool:
        """Whether an average is kept up and asked for nothing else, so that what it is reaches nothing."""
        name = re.split(r"[.\[]", path)[-1]
        reads = changes = 0
        for tree in self._trees.values():
            for node in ast.walk(tree):
                reads += _is_read(node, name)
                if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                    called = node.value.func
                    if isinstance(called, ast.Attribute) and _KEEPS_UP.fullmatch(called.attr):
                        changes += _is_read(called.value, name)
        return 0 < reads == changes

    def reaches(self, path: str) -> bool:
        """Whether something reads a variable or an attribute of this name and computes with it."""
        name = re.split(r"[.\[]", re.sub(r"\[[^\]]*\]$", "", path))[-1]
        key = re.search(r"\['([^']*)'\]$", path)
        for tree in self._trees.values():
            for node, quiet, own in _reads(tree):
                if quiet or name in own:
                    continue
                if isinstance(node, ast.Name) and node.id == name:
                    return True
                if isinstance(node, ast.Attribute) and node.attr == name:
                    return True
                if key and isinstance(node, ast.Constant) and node.value == key[1]:
                    return True
        return False


def _is_read(node: ast.AST, name: str) -> bool:
    """Whether a node is the reading of a variable or an attribute of this name."""
    named = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
    return named == name and isinstance(getattr(node, "ctx", None), ast.Load)


def _bodies(tree: ast.Module) -> Iterator[tuple[str, list[ast.stmt]]]:
    """(what its variables' names begin with, body) of the module and of each function."""
    yield "", tree.body

    def inside(node: ast.AST, before: str) -> Iterator[tuple[str, list[ast.stmt]]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{before}{child.name}.", child.body
                yield from inside(child, f"{before}{child.name}.")
            elif isinstance(child, ast.ClassDef):
                yield from inside(child, f"{before}{child.name}.")
            else:
                yield from inside(child, before)

    yield from inside(tree, "")


def _loops(body: list[ast.stmt]) -> Iterator[ast.For | ast.While]:
    """The loops of a body, not those of the functions in it."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(statement, ast.For | ast.While):
            yield statement
        for name in ("body", "orelse", "finalbody", "handlers"):
            inner = getattr(statement, name, [])
            for part in inner:
                yield from _loops([part] if isinstance(part, ast.stmt) else part.body)


def _order(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """(name, "read" or "set") in the order of execution, roughly."""
    for statement in body:
        yield from _of(statement)


def _of(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Assign):
        yield from _of(node.value)
        for target in node.targets:
            yield from _of(target)
    elif isinstance(node, ast.AnnAssign):
        if node.value is not None:
            yield from _of(node.value)
            yield from _of(node.target)
    elif isinstance(node, ast.AugAssign):
        for name in ast.walk(node.target):
            if isinstance(name, ast.Name):
                yield name.id, "read"
        yield from _of(node.value)
        yield from _of(node.target)
    elif isinstance(node, ast.For):
        yield from _of(node.iter)
        yield from _targets(node)
        yield from _order(node.body)
        yield from _order(node.orelse)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        return
    elif isinstance(node, ast.Name):
        yield node.id, "set" if isinstance(node.ctx, ast.Store) else "read"
    else:
        for child in ast.iter_child_nodes(node):
            yield from _of(child)


def _targets(loop: ast.For | ast.While) -> Iterator[tuple[str, str]]:
    """What a loop sets at each turn; a count is where the program is, as if it were read."""
    if isinstance(loop, ast.While):
        yield from _of(loop.test)
        return
    called = ast.unparse(loop.iter.func) if isinstance(loop.iter, ast.Call) else ""
    targets = [loop.target]
    if called == "enumerate" and isinstance(loop.target, ast.Tuple):
        yield from ((name, "read") for name in _names(loop.target.elts[0]))
        targets = loop.target.elts
    for target in targets:
        for name in _names(target):
            yield name, "read" if called == "range" else "set"
            yield name, "set"


def _reads(
    node: ast.AST, quiet: bool = False, own: frozenset[str] = frozenset()
) -> Iterator[tuple[ast.AST, bool, frozenset[str]]]:
    """(what is read, whether it is only told, names that the statement sets of themselves)."""
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        inner = quiet or bool(_QUIET.fullmatch(called.lower()))
        yield from _reads(node.func, quiet, own)
        for child in (*node.args, *node.keywords):
            yield from _reads(child, inner, own)
        return
    if isinstance(node, ast.AugAssign):
        names = frozenset(_names(node.target))
        yield from _reads(node.value, quiet, own | names)
        return
    if isinstance(node, ast.Assign):
        names = frozenset(name for target in node.targets for name in _names(target))
        if len(names) > 1:  # what is computed for the one may be of the other
            names = frozenset()
        yield from _reads(node.value, quiet, own | names)
        return
    if isinstance(node, ast.JoinedStr):
        quiet = True
    if isinstance(node, ast.Dict):  # what is gathered to be saved
        quiet = True
    if isinstance(node, ast.Name | ast.Attribute | ast.Constant) and not isinstance(
        getattr(node, "ctx", None), ast.Store
    ):
        yield node, quiet, own
    for child in ast.iter_child_nodes(node):
        yield from _reads(child, quiet, own)


def _names(target: ast.AST) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def _yields_with(function: ast.FunctionDef, name: str) -> bool:
    """Whether a function is a generator that sets a variable of this name."""
    inside = list(ast.walk(function))
    yields = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in inside)
    return yields and any(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store) for node in inside
    )
