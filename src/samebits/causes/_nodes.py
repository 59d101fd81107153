"""Calls: of a file, by the names that they have where they are from; of a draft, those at a place."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from samebits.causes._edits import Draft, UnclearPlace
from samebits.source.module import FunctionNode, Module, last_name


def call_of(draft: Draft, node: ast.AST, names: Collection[str]) -> ast.Call:
    """The node itself, if it is a call; else the only call with one of these names that begins where it does.

    Raises:
        UnclearPlace: there is none, or more than one.
    """
    if isinstance(node, ast.Call):
        return node
    at = getattr(node, "lineno", None), getattr(node, "col_offset", None)
    found = [
        each
        for each in draft.names.nodes
        if isinstance(each, ast.Call)
        and (each.lineno, each.col_offset) == at
        and last_name(each.func) in names
    ]
    if len(found) != 1:
        raise UnclearPlace("the call is not found")
    return found[0]


def is_repeated(module: Module, call: ast.Call) -> bool:
    """Whether a call is in a loop of its function, or in a comprehension."""
    return any(True for _ in module.loops(call)) or any(
        isinstance(above, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)
        for above in module.names.parents(call)
    )


def is_property(function: FunctionNode) -> bool:
    """Whether a method is read as an attribute."""
    return any(last_name(one) in ("property", "cached_property") for one in function.decorator_list)


def named_calls(module: Module) -> Iterator[tuple[ast.Call, str | None, str]]:
    """Every call, its full name, and the last part of that: `DataLoader` also where it is `DL` here."""
    for call, name, last in module.calls:
        yield call, name, last if name is None else name.rpartition(".")[2]
