"""Whether an expression is certainly a number, a text, or a set whose elements may hold text.

Only what the file itself shows is taken for known: literals, calls of builtins, annotations, and variables
all of whose values are known.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from samebits.source.scopes import Scopes, last_name

#: Methods of a set that give a set.
SET_METHODS: Final = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
_NUMBERS: Final = frozenset({"int", "float", "bool", "len", "ord", "abs", "round", "hash", "complex"})
SET_OPERATIONS: Final = (ast.BitOr, ast.BitAnd, ast.Sub, ast.BitXor)
_DEPTH: Final = 8  # names followed from one to the next


class Kinds:
    """Answers for the expressions of one module."""

    def __init__(self, tree: ast.Module, names: Scopes) -> None:
        self.tree = tree
        self.names = names
        self._functions: dict[ast.AST, bool] = {}  # whether they return sets
        self._variables: dict[tuple[ast.AST | None, str], bool] = {}  # by scope and name: whether it is a set

    def is_set(self, node: ast.expr, depth: int = 0) -> bool:
        """Whether an expression is a set whose elements may hold text."""
        if depth > _DEPTH:
            return False
        match node:
            case ast.Set():
                return not all(self.is_number(element) for element in node.elts)
            case ast.SetComp():
                return not self.is_number(node.elt)
            case ast.BinOp(op=op) if isinstance(op, SET_OPERATIONS):
                return _is_view(node.left) or self.is_set(node.left, depth + 1)
            case ast.IfExp():
                return self.is_set(node.body, depth + 1) and self.is_set(node.orelse, depth + 1)
            case ast.NamedExpr():
                return self.is_set(node.value, depth + 1)
            case ast.Call(func=ast.Attribute(value=inner, attr=method)) if method in SET_METHODS:
                return self.is_set(inner, depth + 1)
            case ast.Call() if self.names.called(node) in ("set", "frozenset"):
                return not node.args or not self._of_numbers(node.args[0])
            case ast.Call(func=ast.Name() as function):
                return self._gives_set(self.names.definition(function), depth)
            case ast.Name():
                key = self.names.home(node), node.id
                if key not in self._variables:
                    self._variables[key] = False  # of one that is made of itself
                    self._variables[key] = self._holds_set(node, depth)
                return self._variables[key]
            case ast.Attribute(value=ast.Name(id="self")):
                held = self._attributes.get(node.attr, [])
                return bool(held) and all(
                    value is not None and self.is_set(value, depth + 1) for value in held
                )
            case _:
                return False

    def _gives_set(self, function: ast.AST | None, depth: int) -> bool:
        """Whether a function of the file returns a set, whatever it is given."""
        if not isinstance(function, ast.FunctionDef):
            return False
        if function not in self._functions:
            self._functions[function] = False  # of one that calls itself
            returned = [each for each in _within(function) if isinstance(each, ast.Return)]
            self._functions[function] = bool(returned) and all(
                each.value is not None and self.is_set(each.value, depth + 1) for each in returned
            )
        return self._functions[function]

    def _holds_set(self, name: ast.Name, depth: int) -> bool:
        values = [value for value in self.names.values(name) or () if not _begins_with(value, name.id)]
        if not values or not all(self.is_set(value, depth + 1) for value in values):
            return False
        return not self._filled_with_numbers(name)  # `found = set()`, then `found.add(3)`

    @cached_property
    def _attributes(self) -> dict[str, list[ast.expr | None]]:
        """All that is assigned to attributes of objects in the file, by the attribute's name."""
        found: dict[str, list[ast.expr | None]] = {}
        for node in self.names.nodes:
            if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Store):
                continue
            above = self.names.parent(node)
            value = above.value if isinstance(above, ast.Assign | ast.AnnAssign) else None
            if not isinstance(above, ast.AugAssign):
                found.setdefault(node.attr, []).append(value)
        return found

    @cached_property
    def held_sets(self) -> frozenset[str]:
        """Names of variables and attributes that may hold sets, as far as their values show."""
        found: set[str] = set()
        aliases: list[tuple[list[ast.expr], str]] = []
        for node in self.names.nodes:
            if isinstance(node, ast.Assign):
                targets, value = node.targets, node.value
            elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
                targets, value = [node.target], node.value
            else:
                continue
            if _may_be_set(value):
                found.update(map(last_name, targets))
            elif isinstance(value, ast.Name | ast.Attribute):
                aliases.append((targets, last_name(value)))
        for _ in range(_DEPTH):
            more = {last_name(each) for targets, of in aliases if of in found for each in targets} - found
            if not more:
                break
            found |= more
        return frozenset(found - {""})

    def _of_numbers(self, node: ast.expr) -> bool:
        """Whether what an iterable gives is certainly numbers."""
        match node:
            case ast.List() | ast.Tuple() | ast.Set():
                return all(self.is_number(element) for element in node.elts)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                return self.is_number(node.elt)
            case ast.Call() if self.names.called(node) == "range":
                return True
            case ast.Call() if self.names.called(node) == "map" and node.args:
                return self.names.qualified(node.args[0]) in _NUMBERS
            case _:
                return False

    def _filled_with_numbers(self, name: ast.Name) -> bool:
        """Whether all that is visibly added to a set is numbers, and something is."""
        added: list[bool] = []
        for node in ast.walk(self.tree):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=name.id), attr="add"), args=[element]):
                    added.append(self.is_number(element))
                case _:
                    pass
        return bool(added) and all(added)

    def is_number(self, node: ast.expr, depth: int = 0) -> bool:
        """Whether an expression is certainly a number, whose hash is the same in every process."""
        if depth > _DEPTH:
            return False
        match node:
            case ast.Constant():
                return isinstance(node.value, int | float | complex)
            case ast.Tuple():
                return all(self.is_number(element, depth + 1) for element in node.elts)
            case ast.UnaryOp():
                return isinstance(node.op, ast.Not) or self.is_number(node.operand, depth + 1)
            case ast.BinOp():
                left, right = self.is_number(node.left, depth + 1), self.is_number(node.right, depth + 1)
                return left and right
            case ast.Call():
                name = self.names.called(node)
                return name in _NUMBERS and name != "hash"
            case ast.Name():
                if (note := self.names.annotation(node)) is not None:
                    return self.names.qualified(note) in ("int", "float", "bool")
                if self._counts(node):
                    return True
                values = self.names.values(node)
                return bool(values) and all(self.is_number(value, depth + 1) for value in values or ())
            case _:
                return False

    def _counts(self, name: ast.Name) -> bool:
        """Whether a name runs over a range: `for i in range(n)`, `for i, x in enumerate(xs)`."""
        for above in self.names.parents(name):
            loops: list[ast.For | ast.AsyncFor | ast.comprehension] = []
            if isinstance(above, ast.For):
                loops = [above]
            elif isinstance(above, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
                loops = list(above.generators)
            for loop in loops:
                called, target = self.names.called(loop.iter), loop.target
                if called == "enumerate" and isinstance(target, ast.Tuple):
                    target = target.elts[0]
                if called in ("range", "enumerate") and isinstance(target, ast.Name) and target.id == name.id:
                    return True
        return False

    def _is_word(self, name: ast.Name) -> bool:
        """Whether a name runs over the words of a text: `for word in line.split()`."""
        for above in self.names.parents(name):
            loops: list[ast.For | ast.AsyncFor | ast.comprehension] = []
            if isinstance(above, ast.For):
                loops = [above]
            elif isinstance(above, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
                loops = list(above.generators)
            for loop in loops:
                split = isinstance(loop.iter, ast.Call) and isinstance(loop.iter.func, ast.Attribute)
                if split and isinstance(loop.target, ast.Name) and loop.target.id == name.id:
                    assert isinstance(loop.iter, ast.Call)
                    assert isinstance(loop.iter.func, ast.Attribute)
                    return loop.iter.func.attr in ("split", "splitlines", "rsplit")
        return False

    def is_text(self, node: ast.expr, depth: int = 0) -> bool:
        """Whether an expression is certainly a str or bytes, or a tuple that holds one."""
        if depth > _DEPTH:
            return False
        match node:
            case ast.Constant():
                return isinstance(node.value, str | bytes)
            case ast.JoinedStr():
                return True
            case ast.Tuple():
                return any(self.is_text(element, depth + 1) for element in node.elts)
            case ast.BinOp(op=ast.Add() | ast.Mod()):
                return self.is_text(node.left, depth + 1)
            case ast.Call(
                func=ast.Attribute(attr="encode" | "lower" | "upper" | "strip" | "format" | "hexdigest")
            ):
                return True
            case ast.Call(func=ast.Attribute(value=inner, attr="join")):
                return self.is_text(inner, depth + 1)
            case ast.Call():
                return self.names.called(node) in ("str", "repr", "bytes", "input")
            case ast.Name():
                if (note := self.names.annotation(node)) is not None:
                    return self.names.qualified(note) in ("str", "bytes")
                if self._is_word(node):
                    return True
                if node.id in ("__name__", "__file__"):
                    return True
                values = self.names.values(node)
                return bool(values) and all(self.is_text(value, depth + 1) for value in values or ())
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return self._is_held_text(node, name, depth)
            case _:
                return False

    def _is_held_text(self, node: ast.expr, name: str, depth: int) -> bool:
        """Whether an attribute of the class is a text, by what it says of it and gives it."""
        owner = next((above for above in self.names.parents(node) if isinstance(above, ast.ClassDef)), None)
        held: list[ast.expr | None] = []
        for each in owner.body if owner is not None else ():
            match each:
                case ast.AnnAssign(target=ast.Name(id=of), annotation=note) if of == name:
                    return self.names.qualified(note) in ("str", "bytes")
                case ast.Assign(targets=[ast.Name(id=of)], value=value) if of == name:
                    held.append(value)
                case _:
                    pass
        held += self._attributes.get(name, [])
        return bool(held) and all(value is not None and self.is_text(value, depth + 1) for value in held)

    def least(self, node: ast.expr, depth: int = 0) -> int:
        """How many texts a set has at least, as far as literals show."""
        match node:
            case ast.Set() | ast.List() | ast.Tuple():
                texts = [each.value for each in node.elts if isinstance(each, ast.Constant)]
                return len(set(texts))
            case ast.BinOp(op=ast.BitOr()):
                return max(self.least(node.left, depth), self.least(node.right, depth))
            case ast.BinOp(op=ast.Sub()):
                return self.least(node.left, depth) - self._most(node.right, depth)
            case ast.Call(func=ast.Attribute(value=inner, attr="difference")):
                return self.least(inner, depth) - sum(self._most(each, depth) for each in node.args)
            case ast.Call(func=ast.Attribute(value=inner, attr="union" | "copy")):
                return self.least(inner, depth)
            case ast.Call(args=[inner]) if self.names.called(node) in ("set", "frozenset"):
                return self.least(inner, depth)
            case ast.Name() if depth < _DEPTH:
                values = self.names.values(node)
                return min((self.least(value, depth + 1) for value in values or ()), default=0)
            case _:
                return 0

    def _most(self, node: ast.expr, depth: int) -> int:
        """How many elements a set has at most: of one that is not known, one is taken away."""
        match node:
            case ast.Set() | ast.List() | ast.Tuple():
                return len(node.elts)
            case ast.Call(args=[inner]) if self.names.called(node) in ("set", "frozenset"):
                return self._most(inner, depth)
            case ast.Name() if depth < _DEPTH and (values := self.names.values(node)):
                return max(self._most(value, depth + 1) for value in values)
            case _:
                return 1


def _is_view(node: ast.expr) -> bool:
    """`table.keys()`: two of them give a set."""
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args
    return called and isinstance(node, ast.Call) and last_name(node.func) in ("keys", "items")


def _within(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function, those of functions in it left out."""
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))


def _begins_with(value: ast.expr, name: str) -> bool:
    """Whether a value is made of the variable itself: `found = found | more`."""
    while isinstance(value, ast.BinOp) and isinstance(value.op, SET_OPERATIONS):
        value = value.left
        if isinstance(value, ast.Name) and value.id == name:
            return True
    return False


def _may_be_set(value: ast.expr) -> bool:
    """Whether an expression may be a set, by what it looks like."""
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) or last_name(value.func) in SET_METHODS
    if isinstance(value, ast.BinOp):
        return isinstance(value.op, SET_OPERATIONS)
    return isinstance(value, ast.Set | ast.SetComp | ast.IfExp)
