"""Sums of floats, which another order rounds otherwise; counts of integers are the same in any order."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from samebits.source.module import Module, keyword, last_name
from samebits.source.variables import Variables

_DEPTH: Final = 4
#: What makes an array of floats, where no other type is asked for.
_ARRAYS: Final = frozenset(
    f"{of}.{name}" for of in ("torch", "numpy") for name in ("zeros", "zeros_like", "ones", "ones_like")
)
#: What sums of times are called: nobody needs their last bits.
_TIMES: Final = ("time", "elapsed", "second", "duration", "took", "latency")
_WHOLE: Final = ("int", "long", "bool")


def is_float(module: Module, node: ast.expr, depth: int = 0) -> bool:
    """Whether an expression is certainly a float, or an array of floats."""
    if depth > _DEPTH:
        return False
    match node:
        case ast.Constant():
            return isinstance(node.value, float)
        case ast.UnaryOp():
            return is_float(module, node.operand, depth)
        case ast.BinOp(op=ast.Div()):
            return True
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Pow()):
            return is_float(module, node.left, depth) or is_float(module, node.right, depth)
        case ast.Call():
            name, kind = module.names.called(node), keyword(node, "dtype")
            whole = kind is not None and any(word in module.source(kind) for word in _WHOLE)
            return name == "float" or (name in _ARRAYS and not whole)
        case ast.Name():
            values = module.names.values(node)
            return bool(values) and all(is_float(module, value, depth + 1) for value in values or ())
        case _:
            return False


def is_of_floats(module: Module, call: ast.Call) -> bool:
    """Whether `sum(...)` certainly adds floats."""
    start = call.args[1] if len(call.args) > 1 else keyword(call, "start")
    if start is not None and is_float(module, start):
        return True
    match call.args:
        case [ast.GeneratorExp(elt=element) | ast.ListComp(elt=element), *_]:
            return is_float(module, element)
        case _:
            return False


def adds_floats(variables: Variables, node: ast.AST, loop: ast.For | ast.AsyncFor | None = None) -> bool:
    """Whether a statement, in a loop, adds a float of this turn to those of the turns before it."""
    target: ast.expr
    match node:
        case ast.AugAssign(op=ast.Add() | ast.Sub(), target=ast.Name() | ast.Attribute() as target):
            value = node.value
        case ast.Assign(
            targets=[ast.Name() as target],
            value=ast.BinOp(op=ast.Add(), left=ast.Name(id=name), right=value),
        ) if name == target.id:
            pass
        case _:
            return False
    of_time = any(word in last_name(target).lower() for word in _TIMES)
    if of_time or isinstance(value, ast.Constant):
        return False
    if isinstance(node, ast.AugAssign) and variables.is_made_in(target, loop):
        return False
    if loop is not None and not _varies(value, loop):
        return False
    module = variables.module
    return is_float(module, value) or any(is_float(module, one) for one in _starts(variables, target, node))


def _starts(variables: Variables, target: ast.expr, node: ast.AST) -> Iterator[ast.expr]:
    """What a variable, or an attribute of the class, holds before something is added."""
    stores: list[ast.Name] | list[ast.Attribute] = []
    if isinstance(target, ast.Attribute):
        stores = variables.stores(target)
    elif isinstance(target, ast.Name):
        home = variables.names.home(target)
        stores = [
            name
            for name in variables.named.get(target.id, ())
            if isinstance(name.ctx, ast.Store)
            and (variables.names.home(name) is home or variables.names.is_shared(target.id))
        ]
    for store in stores:
        above = variables.names.parent(store)
        if above is not node and isinstance(above, ast.Assign | ast.AnnAssign) and above.value is not None:
            yield above.value


def _varies(value: ast.expr, loop: ast.For | ast.AsyncFor) -> bool:
    """Whether an expression is another in each turn, as far as is seen."""
    turn = {
        inner.id
        for part in (loop.target, *loop.body)
        for inner in ast.walk(part)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
    }
    return any(
        isinstance(inner, ast.Call | ast.Await) or (isinstance(inner, ast.Name) and inner.id in turn)
        for inner in ast.walk(value)
    )
