"""The variables of one file and the attributes of its classes: where they are read, and which are sorted."""

from __future__ import annotations

import ast
from functools import cached_property

from samebits.source.module import Module, keyword
from samebits.source.orderings import SORTERS


class Variables:
    """The variables and attributes of one module."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.names = module.names
        self._loads: dict[tuple[ast.AST | None, str], list[ast.expr]] = {}

    @cached_property
    def named(self) -> dict[str, list[ast.Name]]:
        found: dict[str, list[ast.Name]] = {}
        for name in self.module.every(ast.Name):
            found.setdefault(name.id, []).append(name)
        return found

    @cached_property
    def _attributes(self) -> dict[str, list[ast.Attribute]]:
        """Attributes of names, by how they are written: "self.files"."""
        found: dict[str, list[ast.Attribute]] = {}
        for node in self.module.every(ast.Attribute):
            if isinstance(node.value, ast.Name):
                found.setdefault(f"{node.value.id}.{node.attr}", []).append(node)
        return found

    def loads(self, target: ast.expr) -> list[ast.expr]:
        """Where a variable of the function, or an attribute of the class, is read."""
        if isinstance(target, ast.Name):
            home = self.names.home(target)
            key = home, target.id
            if key not in self._loads:
                self._loads[key] = [
                    name
                    for name in self.named.get(target.id, ())
                    if isinstance(name.ctx, ast.Load) and self.names.home(name) is home
                ]
            return self._loads[key]
        if not isinstance(target, ast.Attribute) or not isinstance(target.value, ast.Name):
            return []
        owner = self.module.class_of(target)
        return [
            node
            for node in self._attributes.get(f"{target.value.id}.{target.attr}", ())
            if isinstance(node.ctx, ast.Load) and (owner is None or self.module.class_of(node) is owner)
        ]

    def stores(self, target: ast.Attribute) -> list[ast.Attribute]:
        """Where an attribute of the class is set."""
        if not isinstance(target.value, ast.Name):
            return []
        owner = self.module.class_of(target)
        return [
            node
            for node in self._attributes.get(f"{target.value.id}.{target.attr}", ())
            if isinstance(node.ctx, ast.Store) and self.module.class_of(node) is owner
        ]

    @cached_property
    def _sorted(self) -> list[tuple[str, ast.expr]]:
        """What is sorted in place, or becomes its own sorted elements: as it is written, and where."""
        found: list[tuple[str, ast.expr]] = []
        for call, name, last in self.module.calls:
            if last == "sort" and isinstance(call.func, ast.Attribute) and name != "numpy.sort":
                found.append((written(call.func.value), call.func.value))
            elif (last in SORTERS or name == "numpy.sort") and call.args:
                above = self.names.parent(call)
                while isinstance(above, ast.Call) and self.names.called(above) == "list":
                    above = self.names.parent(above)
                if isinstance(above, ast.Assign):
                    target = above.targets[0]
                    if isinstance(target, ast.Subscript):  # names[:] = sorted(names)
                        target = target.value
                    text = written(target)
                    inner = (each for of in (call.args[0], call.func) for each in ast.walk(of))
                    if text and any(isinstance(each, ast.expr) and written(each) == text for each in inner):
                        found.append((text, target))
                elif last == "sort_values" and keyword(call, "inplace") is not None:
                    assert isinstance(call.func, ast.Attribute)
                    found.append((written(call.func.value), call.func.value))
        return found

    def is_sorted(self, target: ast.expr) -> bool:
        """`names.sort()` or `names = sorted(names)` in the same function or class, or in the module."""
        text = written(target)
        if not text:
            return False
        home = self.names.home(target) if isinstance(target, ast.Name) else None
        return any(
            each == text and (home is None or (isinstance(at, ast.Name) and self.names.home(at) is home))
            for each, at in self._sorted
        )

    def is_archive(self, node: ast.expr) -> bool:
        """Whether a file that is written is an archive, whose members are found by name."""
        for name in self.named.get(node.id, ()) if isinstance(node, ast.Name) else ():
            match self.names.parent(name):
                case ast.withitem(context_expr=made) | ast.Assign(value=made):
                    if (self.names.called(made) or "").startswith(("zipfile.", "tarfile.")):
                        return True
                case _:
                    pass
        return False

    def is_sorted_later(self, node: ast.Subscript) -> bool:
        """Whether the lists that a dict holds, `lists[key].append(x)`, are sorted where they are taken."""
        taken = [
            load for load in self.loads(node.value) if not isinstance(self.names.parent(load), ast.Subscript)
        ]
        return bool(taken) and all(
            isinstance(self.names.parent(load), ast.Compare)
            or any(
                isinstance(above, ast.Call) and self.names.called(above) == "sorted"
                for above in self.names.parents(load)
            )
            for load in taken
        )

    def is_passing(self, target: ast.Name) -> bool:
        """Whether nobody can read a variable that is not read here."""
        return any(
            isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef | ast.If)
            for above in self.names.parents(target)
        )

    def are_known(self, loads: list[ast.expr]) -> bool:
        """Whether an attribute is used in its class, and only so that the order is lost."""
        return any(
            isinstance(above := self.names.parent(load), ast.Compare | ast.For | ast.comprehension)
            or (isinstance(above, ast.Call) and self.names.called(above) in ("sorted", "set"))
            for load in loads
        )

    def is_made_in(self, node: ast.expr, loop: ast.For | ast.AsyncFor | None) -> bool:
        """Whether a list, a dict or a file is made anew in every turn of a loop."""
        while isinstance(node, ast.Subscript):
            node = node.value
        if loop is None or not isinstance(node, ast.Name):
            return False
        around = set(self.names.parents(node))
        for name in self.named.get(node.id, ()):
            if not isinstance(name.ctx, ast.Store) or isinstance(self.names.parent(name), ast.AugAssign):
                continue
            if loop.body[0].lineno <= name.lineno <= (loop.end_lineno or 0):
                for above in self.names.parents(name):
                    if above is loop:
                        return True
                    if isinstance(above, ast.If | ast.IfExp | ast.ExceptHandler) and above not in around:
                        break
        return False


def is_held(node: ast.expr) -> bool:
    """Whether an expression is a variable, or an attribute of one."""
    return isinstance(node, ast.Name) or (
        isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    )


def written(node: ast.expr) -> str:
    """A name, or an attribute of one, as it is written; else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""
