"""What nodes of a syntax tree say: names, callees, and the calls that steps put around them."""

from __future__ import annotations

import ast
from typing import Any, Final

#: What the names of every step begin with; a call of one takes the function that it stands for last.
_OURS: Final = "__samebits_"


def last_name(node: ast.expr) -> str:
    """The last name of a callee: ``f`` of ``f``, ``a.f`` and ``a[0].f``."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def root_name(node: ast.expr) -> str:
    """The first name of a dotted one."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def dotted_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def callee(node: ast.Call) -> ast.expr:
    """The function that the user's call names, of a call that steps may have changed."""
    function = node.func
    while isinstance(function, ast.Call) and last_name(function.func).startswith(_OURS):
        function = function.args[-1]
    return function


def owner(node: ast.Call) -> ast.expr:
    """What a method is called on; a function's own name."""
    function: ast.expr = getattr(node.func, "value", node.func)
    return function


def calling(name: str, node: ast.expr, arguments: list[ast.expr]) -> ast.expr:
    """A call of a step's function, at the place of a node."""
    function = ast.copy_location(ast.Name(name, ast.Load()), node)
    return ast.copy_location(ast.Call(function, arguments, []), node)


def constant(value: Any, node: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Constant(value), node)


def has_keyword(node: ast.Call, name: str) -> bool:
    """Whether a call is given this keyword, as far as can be seen: ``**more`` may have it."""
    return any(each.arg in (name, None) for each in node.keywords)
