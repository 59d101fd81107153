"""What expressions name and are made of, as a summary tells other files of it."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from typing import Final

from samebits.source.module import Module, last_name
from samebits.source.orderings import PASSING
from samebits.source.summary import SourcePlace, SourceValue

#: What gives on, turn by turn, what it goes over.
_PASSING: Final = frozenset({"enumerate", "iter", "zip", "islice", "cycle", *PASSING})
_DEPTH: Final = 4  # variables followed for what a value is made of


class Values:
    """The names and values of one module.

    Args:
        owner: gives the name of the function that a lambda is in.
    """

    def __init__(self, module: Module, owner: Callable[[ast.AST], str]) -> None:
        self.module = module
        self.names = module.names
        self._owner = owner
        self._qualnames: dict[ast.AST, str] = {}

    def named(self, node: ast.expr) -> str | None:
        """What an expression names: of an import, or of the file itself with a colon."""
        if (full := self.names.qualified(node)) is not None:
            return full
        if isinstance(node, ast.Name):
            definition = self.names.definition(node)
            if definition is not None:
                if definition not in self._qualnames:
                    self._qualnames[definition] = self.module.qualname(definition)
                return f":{self._qualnames[definition]}"
            unknown = self.names.stars and self.names.home(node) is None and not hasattr(builtins, node.id)
            return f":{node.id}" if unknown else None
        if isinstance(node, ast.Attribute):
            inner = node.value
            if isinstance(inner, ast.Name):
                if inner.id in ("self", "cls") and (owner := self.module.class_of(node)) is not None:
                    return f":{self.module.qualname(owner)}.{node.attr}"
                values = self.names.values(inner)
                if values is not None and len(values) == 1 and isinstance(values[0], ast.Call):
                    made = values[0].func
                    if made is not node and isinstance(made, ast.Name | ast.Attribute):
                        of = self.names.qualified(made) or (
                            self.named(made) if isinstance(made, ast.Name) else None
                        )
                        return None if of is None else f"{of}.{node.attr}"
            full = None
            if isinstance(inner, ast.Name):
                full = self.named(inner)
            elif isinstance(inner, ast.Call):
                full = self.named(inner.func)
            return None if full is None else f"{full}.{node.attr}"
        return None

    def alternatives(self, function: ast.expr) -> list[str]:
        """What is called where a function is one of several: `for f in (random.seed, np.random.seed)`."""
        base = function.value if isinstance(function, ast.Attribute) else function
        if not isinstance(base, ast.Name):
            return []
        rest = f".{function.attr}" if isinstance(function, ast.Attribute) else ""
        for above in self.names.parents(base):
            loops: list[ast.For | ast.AsyncFor | ast.comprehension] = []
            if isinstance(above, ast.For):
                loops = [above]
            elif isinstance(above, ast.ListComp | ast.SetComp | ast.GeneratorExp):
                loops = list(above.generators)
            for loop in loops:
                named = isinstance(loop.target, ast.Name) and loop.target.id == base.id
                if named and isinstance(loop.iter, ast.Tuple | ast.List):
                    found = [self.named(each) for each in loop.iter.elts]
                    return [f"{name}{rest}" for name in found if name is not None]
        return []

    def value(self, node: ast.expr, follow: bool) -> SourceValue:
        name = None
        if isinstance(node, ast.Name | ast.Attribute):
            name = self.named(node)
        elif isinstance(node, ast.Lambda):
            name = f":{self._owner(node)}.<locals>.{lambda_name(self.module.place(node))}"
        elif isinstance(node, ast.Call) and last_name(node.func) == "partial" and node.args:
            name = self.named(node.args[0])
        elif isinstance(node, ast.Call):
            of = self.named(node.func)
            name = None if of is None else f"{of}()"
        constant = isinstance(node, ast.Constant) or (
            isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)
        )
        text = repr(node.value) if isinstance(node, ast.Constant) else self.module.source(node)
        if not follow or constant:
            return SourceValue(text, name, constant)
        return SourceValue(text, name, constant, self._made_of(node), frozenset(self._terms(node)))

    def _terms(self, node: ast.expr, depth: int = 0) -> Iterator[str]:
        """The names that a sum is of, each as it is and not multiplied."""
        if isinstance(node, ast.BinOp):
            if isinstance(node.op, ast.Add | ast.Sub):
                yield from self._terms(node.left, depth)
                yield from self._terms(node.right, depth)
            elif isinstance(node.op, ast.Mod):
                yield from self._terms(node.left, depth)
        elif isinstance(node, ast.Call) and last_name(node.func) == "int" and len(node.args) == 1:
            yield from self._terms(node.args[0], depth)
        elif isinstance(node, ast.Name | ast.Attribute | ast.Call):
            yield last_name(node.func if isinstance(node, ast.Call) else node)
            values = self.names.values(node) if isinstance(node, ast.Name) and depth < _DEPTH else None
            for value in values or ():
                yield from self._terms(value, depth + 1)

    def _made_of(self, node: ast.expr) -> frozenset[str]:
        """The names that an expression is made of, also through variables that are followed.

        Texts among them are in quotes.
        """
        found: set[str] = set()
        waiting: list[tuple[ast.expr, int]] = [(node, 0)]
        seen: set[ast.AST] = set()
        while waiting:
            expression, depth = waiting.pop()
            for inner in ast.walk(expression):
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    found.add(repr(inner.value))
                if not isinstance(inner, ast.Attribute | ast.Name):
                    continue
                found.add(inner.attr if isinstance(inner, ast.Attribute) else inner.id)
                if (full := self.names.qualified(inner)) is not None:
                    found.add(full)
                if isinstance(inner, ast.Name) and depth < _DEPTH:
                    for value in self.names.values(inner) or ():
                        if value not in seen:
                            seen.add(value)
                            waiting.append((value, depth + 1))
        return frozenset(found)


def iterated(node: ast.expr) -> str:
    """The last name of what a loop goes over: "loader" of `enumerate(tqdm(loader))`, "load()" of a call."""
    while isinstance(node, ast.Call) and node.args and last_name(node.func) in _PASSING:
        node = node.args[0]
    return f"{last_name(node.func)}()" if isinstance(node, ast.Call) else last_name(node)


def lambda_name(place: SourcePlace) -> str:
    """What a lambda is called, by where it stands."""
    return f"<lambda {place.line}:{place.column}>"
