"""One source file, parsed: what a rule that looks at one file alone is given."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from typing import TypeVar

from samebits.source.kinds import Kinds
from samebits.source.scopes import Scopes
from samebits.source.scopes import last_name as last_name
from samebits.source.summary import MODULE, SourcePlace

_Node = TypeVar("_Node", bound=ast.AST)
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


class Module:
    """A file's tree, its names, and its nodes by type.

    Attributes:
        file: its path, as findings name it.
        text: the source.
        tree: what it parses to.
        names: what its names stand for.
    """

    def __init__(self, text: str, file: str = "<text>", tree: ast.Module | None = None) -> None:
        self.file = file
        self.text = text
        self.tree = ast.parse(text) if tree is None else tree
        self.names = Scopes(self.tree)
        self._ascii = text.isascii()

    @cached_property
    def lines(self) -> list[str]:
        """As Python counts them: `str.splitlines` knows more line ends."""
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    @cached_property
    def kinds(self) -> Kinds:
        return Kinds(self.tree, self.names)

    @cached_property
    def _by_type(self) -> dict[type[ast.AST], list[ast.AST]]:
        found: dict[type[ast.AST], list[ast.AST]] = {}
        for node in self.names.nodes:
            found.setdefault(type(node), []).append(node)
        return found

    def every(self, kind: type[_Node]) -> list[_Node]:
        """All nodes of one type, in the order of the source."""
        return self._by_type.get(kind, [])  # type: ignore[return-value]

    @cached_property
    def calls(self) -> list[tuple[ast.Call, str | None, str]]:
        """Every call, with its full name if it is known, and its last name."""
        return [(call, self.names.called(call), last_name(call.func)) for call in self.every(ast.Call)]

    def place(self, node: ast.expr | ast.stmt) -> SourcePlace:
        end = node.end_lineno or node.lineno
        return SourcePlace(
            self.file,
            node.lineno,
            self.character(node.lineno, node.col_offset) + 1,
            end,
            self.character(end, node.end_col_offset or 0) + 1,
        )

    def character(self, line: int, offset: int) -> int:
        """The character at a byte of a line."""
        if self._ascii or line > len(self.lines):
            return offset
        return len(self.lines[line - 1].encode()[:offset].decode(errors="replace"))

    def source(self, node: ast.expr, most: int = 80) -> str:
        """An expression as it is written; of several lines the first."""
        if node.lineno > len(self.lines):
            return ""
        line = self.lines[node.lineno - 1]
        start = self.character(node.lineno, node.col_offset)
        end = None
        if node.end_lineno == node.lineno and node.end_col_offset is not None:
            end = self.character(node.lineno, node.end_col_offset)
        return line[start:end][:most]

    def function(self, node: ast.AST) -> FunctionNode | None:
        """The function that a node is in; of a lambda the one around it."""
        for above in self.names.parents(node):
            if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef):
                return above
        return None

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """The class of the method that a node is in."""
        return next((above for above in self.names.parents(node) if isinstance(above, ast.ClassDef)), None)

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that a node is in."""
        if isinstance(node, ast.stmt):
            return node
        return next(above for above in self.names.parents(node) if isinstance(above, ast.stmt))

    def loops(self, node: ast.AST) -> Iterator[ast.For | ast.AsyncFor | ast.While]:
        """The loops of its function whose body a node is in, innermost first."""
        below: ast.AST = node
        for above in self.names.parents(node):
            if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                return
            if isinstance(above, _LOOPS) and not (
                isinstance(above, ast.For | ast.AsyncFor) and below in (above.iter, above.target)
            ):
                yield above
            below = above

    def qualname(self, node: ast.AST) -> str:
        """The name of a function, class or lambda, as Python has it: "Trainer.fit", "f.<locals>.g"."""
        parts = [getattr(node, "name", "<lambda>")]
        for above in self.names.parents(node):
            if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef):
                parts += ["<locals>", above.name]
            elif isinstance(above, ast.ClassDef):
                parts.append(above.name)
        return ".".join(reversed(parts))

    def owner(self, node: ast.AST) -> str:
        """The name of the function that a node is in, or `MODULE`."""
        function = self.function(node)
        return MODULE if function is None else self.qualname(function)

    def within(self, scope: ast.AST) -> Iterator[ast.AST]:
        """The nodes of a function, those of functions in it left out."""
        pending = list(ast.iter_child_nodes(scope))
        while pending:
            node = pending.pop()
            yield node
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                pending.extend(ast.iter_child_nodes(node))


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """What a call gives for a keyword."""
    return next((given.value for given in call.keywords if given.arg == name), None)


def argument(call: ast.Call, number: int, name: str) -> ast.expr | None:
    """What a call gives by place or by name."""
    given = keyword(call, name)
    if given is None and number < len(call.args):
        given = call.args[number]
    return given


def is_constant(node: ast.expr | None, value: object) -> bool:
    """Whether an expression is this literal: True, None, a text."""
    return (
        isinstance(node, ast.Constant) and node.value is value
        if value in (True, False, None)
        else (isinstance(node, ast.Constant) and node.value == value)
    )
