"""Nodes of a draft: what begins at the place of another."""

from __future__ import annotations

import ast
from collections.abc import Collection

from samebits.causes._edits import Draft, UnclearPlace
from samebits.source.module import last_name


def call_of(draft: Draft, node: ast.AST, names: Collection[str]) -> ast.Call:
    """A call with one of these last names: the node itself, or the only one that begins where it does.

    Raises:
        UnclearPlace: there is none, or more than one.
    """
    if isinstance(node, ast.Call) and last_name(node.func) in names:
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
