"""Whether what is made of a container is sorted before a function returns it."""

from __future__ import annotations

import ast
from typing import Final

from samebits.source.module import FunctionNode
from samebits.source.orderings import KEEPS, SORTERS
from samebits.source.scopes import last_name
from samebits.source.variables import Variables

_ROUNDS: Final = 4  # variables followed from one to the next


def is_sorted_on_the_way(variables: Variables, held: ast.expr) -> bool:
    """Whether what is made of a container's elements is sorted, and what is returned is made of that.

    `tree["files"].append(x)`, then `rows = [... for x in tree["files"]]`, `rows = sorted(rows)`.
    """
    function = variables.module.function(held)
    root = held
    while isinstance(root, ast.Subscript | ast.Attribute):
        root = root.value
    if function is None or not isinstance(root, ast.Name):
        return False
    made = _made_of(function, {root.id})
    ordered = {name for name in made - {root.id} if _is_sorted(function, name, held.lineno)}
    if not ordered:
        return False
    given = _made_of(function, ordered, held.lineno)
    returned = [
        node
        for node in variables.module.within(function)
        if isinstance(node, ast.Return) and node.value is not None
    ]
    return bool(returned) and all(_names(node) & given and root.id not in _names(node) for node in returned)


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _made_of(function: FunctionNode, start: set[str], after: int = 0) -> set[str]:
    """The variables of a function that are made of others, and of functions in it that are given them."""
    found, inner = set(start), _inner(function)
    for _ in range(_ROUNDS):
        before = len(found)
        for node in ast.walk(function):
            if getattr(node, "lineno", after) < after:
                continue
            match node:
                case ast.Assign(targets=targets, value=value) if _names(value) & found:
                    found.update(*map(_names, targets))
                case ast.For(target=target, iter=over) if _names(over) & found:
                    found |= _names(target)
                case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr)) if attr in KEEPS:
                    if any(_names(each) & found for each in node.args):
                        found.add(name)
                case ast.Call(func=ast.Name(id=name)) if name in inner:
                    if any(_names(each) & found for each in (*node.args, *node.keywords)):
                        found |= inner[name]
                case _:
                    pass
        if len(found) == before:
            break
    return found


def _inner(function: FunctionNode) -> dict[str, set[str]]:
    """By functions that are defined in one, the variables to which they append."""
    return {
        node.name: {
            call.func.value.id
            for call in ast.walk(node)
            if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr in KEEPS
            and isinstance(call.func.value, ast.Name)
        }
        for node in ast.walk(function)
        if isinstance(node, FunctionNode) and node is not function
    }


def _is_sorted(function: FunctionNode, name: str, after: int) -> bool:
    """`rows.sort()` or `rows = sorted(rows)` behind a line."""
    for node in ast.walk(function):
        if getattr(node, "lineno", 0) < after:
            continue
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=of), attr="sort")) if of == name:
                return True
            case ast.Assign(
                targets=[ast.Name(id=to)], value=ast.Call(func=maker, args=[ast.Name(id=of), *_])
            ) if of == name and last_name(maker) in SORTERS:
                if to == name:
                    return True
            case _:
                pass
    return False
