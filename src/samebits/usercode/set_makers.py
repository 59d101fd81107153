"""Which expressions of a module make a set, as far as its text shows.

A display, a comprehension and a call of `set` or `frozenset` do.  `a | b`, `a - b` and `a.copy()` are nearly
always something else, and may stand in a hot loop, so they count only where a name in them is one that the
module gives to a set.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

_MAKERS: Final = frozenset({"set", "frozenset"})
#: Methods that give a new set; the first are a set's alone.
_DERIVE: Final = frozenset({"union", "difference", "intersection", "symmetric_difference"})
_COPY: Final = "copy"
_VIEWS: Final = frozenset({"keys", "items"})  # `a.keys() & b.keys()` is a set
_OPERATORS: Final = (ast.BitOr, ast.BitAnd, ast.Sub, ast.BitXor)
_ANNOTATIONS: Final = _MAKERS | {"Set", "FrozenSet", "AbstractSet", "MutableSet"}
_DEPTH: Final = 8  # of `a | b | c | ...`
_ROUNDS: Final = 4  # `c = a | b`, then `d = c - a`: each round knows the names of one more step


class SetMakers:
    """The names that one module gives to sets, and by them its expressions that make one."""

    def __init__(self, tree: ast.AST) -> None:
        self._names: set[str] = set()
        assigned: list[tuple[ast.expr, ast.expr]] = []
        for node in ast.walk(tree):
            match node:
                case ast.Assign(targets=targets, value=value):
                    assigned += [(target, value) for target in targets]
                case ast.NamedExpr(target=name, value=value):
                    assigned.append((name, value))
                case ast.AnnAssign(target=variable, annotation=annotation):
                    if _says_set(annotation):
                        self._names.update(_named(variable))
                case ast.arg(arg=argument, annotation=ast.expr() as annotation):
                    if _says_set(annotation):
                        self._names.add(argument)
                case _:
                    pass
        for _ in range(_ROUNDS):
            known = len(self._names)
            for target, value in assigned:
                if self._is_set(value):
                    self._names.update(_named(target))
            if len(self._names) == known:
                break

    def makes(self, node: ast.expr, depth: int = 0) -> bool:
        """Whether an expression makes a set whose elements are not all written there."""
        match node:
            case ast.Set(elts=elements):
                return not all(isinstance(element, ast.Constant) for element in elements)
            case ast.SetComp():
                return True
            case ast.Call(func=ast.Name(id=name)):
                return name in _MAKERS
            case ast.Call(func=ast.Attribute(value=owner, attr=name)):
                return name in _DERIVE or (name == _COPY and self._is_set(owner))
            case ast.BinOp(op=operator, left=left, right=right) if isinstance(operator, _OPERATORS):
                return depth < _DEPTH and (self._is_set(left, depth + 1) or self._is_set(right, depth + 1))
            case _:
                return False

    def _is_set(self, node: ast.expr, depth: int = 0) -> bool:
        match node:
            case ast.Set():
                return True
            case ast.Call(func=ast.Attribute(attr=name), args=[]) if name in _VIEWS:
                return True
            case ast.Name() | ast.Attribute():
                return not self._names.isdisjoint(_named(node))
            case _:
                return self.makes(node, depth)


def _named(node: ast.expr) -> Iterator[str]:
    """The last name of a variable or an attribute."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            yield name
        case _:
            pass


def _says_set(annotation: ast.expr) -> bool:
    if isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    return not _ANNOTATIONS.isdisjoint(_named(annotation))
