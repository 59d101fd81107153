"""What an expression of a source certainly is: a literal, also where a variable holds it."""

from __future__ import annotations

import ast
from typing import Final

from samebits.source.module import FunctionNode, Module, argument, last_name

_DEPTH: Final = 4
_INTEGERS: Final = frozenset(
    {"long", "int", "bool", "short", "byte", "argmax", "argmin", "argsort", "nonzero"}
)
_TYPES: Final = frozenset(
    {"torch.long", "torch.int", "torch.bool", "torch.short"}
    | {f"torch.{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
)
_FLOATS: Final = frozenset(
    {"softmax", "sigmoid", "exp", "float", "rand", "randn", "log_softmax", "softplus", "log", "sqrt", "tanh"}
    | {"double", "half", "normal", "linspace"}
)
_COUNTS: Final = frozenset({"ones", "ones_like", "new_ones"})
_LIKE: Final = frozenset({"ones_like", "zeros_like", "full_like", "empty_like", "flatten", "reshape", "view"})
_SHAPED: Final = frozenset({"unsqueeze", "squeeze", "expand", "expand_as", "repeat", "contiguous", "to", "t"})
_INDEX_NAMES: Final = ("index", "indices", "idx", "label", "mask", "count")


def literal(module: Module, node: ast.expr | None, depth: int = 0) -> object:
    """The value of a literal, or of a variable that holds it; `...` where it is not known."""
    match node:
        case ast.Constant():
            return node.value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.Tuple() | ast.List():
            found = tuple(literal(module, each, depth) for each in node.elts)
            return found if ... not in found else ...
        case ast.Name() if depth < _DEPTH:
            values = module.names.values(node)
            if values is not None and len(values) == 1:
                return literal(module, values[0], depth + 1)
        case _:
            pass
    return ...


def is_ever(module: Module, node: ast.expr, value: object) -> bool:
    """Whether an expression is a literal; of a parameter, whether a call of the file makes it that."""
    if literal(module, node) is value:
        return True
    function = module.names.home(node) if isinstance(node, ast.Name) else None
    if not isinstance(node, ast.Name) or not isinstance(function, FunctionNode) or module.names.values(node):
        return False
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
    defaults |= {
        one.arg: default
        for one, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
        if default is not None
    }
    if isinstance(module.names.parent(function), ast.ClassDef):
        names = names[1:]
    if any(
        isinstance(name.ctx, ast.Store) and name.id == node.id and module.names.home(name) is function
        for name in module.every(ast.Name)
    ):
        return False
    return any(
        literal(module, _given(call, names, node.id, defaults)) is value
        for call, _, last in module.calls
        if last == function.name
    )


def _given(call: ast.Call, names: list[str], name: str, defaults: dict[str, ast.expr]) -> ast.expr | None:
    """What a call gives for a parameter; None where that is not known."""
    if any(isinstance(each, ast.Starred) for each in call.args) or any(
        given.arg is None for given in call.keywords
    ):
        return None
    place = names.index(name) if name in names else None
    found = argument(call, len(call.args) if place is None else place, name)
    return defaults.get(name) if found is None else found


def is_whole(module: Module, node: ast.expr | None, depth: int = 0) -> bool:
    """Whether a tensor is of integers or bools, or holds ones: sums of these are exact in any order."""
    if node is None or depth > _DEPTH:
        return False
    match node:
        case ast.Constant():
            return isinstance(node.value, int)
        case ast.Compare():
            return True
        case ast.Call():
            last = last_name(node.func)
            kind = next((given.value for given in node.keywords if given.arg == "dtype"), None)
            if kind is not None:
                return module.names.qualified(kind) in _TYPES or last in _COUNTS
            if last in _INTEGERS or last in _COUNTS:
                return True
            if last in ("to", "type") and any(module.names.qualified(given) in _TYPES for given in node.args):
                return True
            if last in _FLOATS:
                return False
            if last == "arange":
                return all(not isinstance(literal(module, given), float) for given in node.args)
            if last in _LIKE and module.names.called(node) is not None and node.args:
                return is_whole(module, node.args[0], depth + 1)
            if last in _LIKE | _SHAPED and isinstance(node.func, ast.Attribute):
                return is_whole(module, node.func.value, depth + 1)
        case ast.Name():
            values = module.names.values(node)
            if values:
                return all(is_whole(module, value, depth + 1) for value in values)
            return any(word in node.id.lower() for word in _INDEX_NAMES)
        case ast.Attribute():
            return any(word in node.attr.lower() for word in _INDEX_NAMES)
        case ast.Subscript():
            return is_whole(module, node.value, depth + 1)
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.FloorDiv() | ast.Mod()):
            return is_whole(module, node.left, depth + 1) and is_whole(module, node.right, depth + 1)
        case _:
            pass
    return False


def is_float(module: Module, node: ast.expr | None, depth: int = 0) -> bool:
    """Whether a tensor is certainly of floats."""
    if node is None or depth > _DEPTH:
        return False
    match node:
        case ast.Constant():
            return isinstance(node.value, float)
        case ast.Call():
            last = last_name(node.func)
            name = module.names.called(node)
            if last in _FLOATS and (name is None or name.startswith("torch.")):
                return True
            if last in _LIKE | _SHAPED and isinstance(node.func, ast.Attribute):
                return is_float(module, node.func.value, depth + 1)
        case ast.Name():
            values = module.names.values(node)
            return bool(values) and all(is_float(module, value, depth + 1) for value in values or ())
        case ast.BinOp(op=ast.Div()):
            return is_float(module, node.left, depth + 1) or is_float(module, node.right, depth + 1)
        case ast.BinOp():
            return is_float(module, node.left, depth + 1) or is_float(module, node.right, depth + 1)
        case _:
            pass
    return False
