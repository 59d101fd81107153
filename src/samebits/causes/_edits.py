"""Changes of a program's source: made as spans of its text, given as whole lines, to be pasted or applied.

A `Draft` is one file with the changes that are wanted of it; `_patch` has all files of a program.  What
cannot be changed without doubt (a statement that shares its line, a text that no longer compiles) raises
`UnclearPlace` or gives no edits: then the finding keeps its general fix.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Final

from samebits._runtime.text import LEFT_OUT
from samebits.causes._imports import bound_as, imports, installed_alone, is_docstring, is_quiet
from samebits.model.finding import Edit
from samebits.source.scopes import Scopes

_LONGEST: Final = 1 << 18  # characters of a file that is changed
_AWAITS: Final = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # of a notebook
_INDENT: Final = "    "
#: What a module is usually imported as, where that is another name than its own.
_USUAL: Final = {"numpy": "np"}
#: Statements that may stand among a program's imports.
_AMONG_IMPORTS: Final = (
    "os.environ", "sys.", "warnings.", "matplotlib.", "torch.manual_seed(", "torch.set_", "torch.backends.",
    "np.random.seed(", "numpy.random.seed(", "random.seed(",
)  # fmt: skip
#: Builtins that fixes write, not as names of methods or arguments.
_BUILTINS: Final = re.compile(
    r"(?<![\w.])(?:sorted|iter|min|max|len|dict|list|int|range|enumerate|zip|id|repr|str)(?!\w|=)"
)

_Place = tuple[int, int]  # line from 1, character from 0


class UnclearPlace(ValueError):
    """The change cannot be made there."""


@dataclass(frozen=True, slots=True)
class _Span:
    start: _Place
    end: _Place
    text: str


class Draft:
    """One source file and the changes that are wanted of it."""

    def __init__(self, file: str, text: str) -> None:
        if len(text) > _LONGEST:
            raise UnclearPlace("a file of that length is not changed")
        self.file = file
        self.lines = text.split("\n")
        self.tree = ast.parse(text)
        self.names = Scopes(self.tree)
        self._spans: list[_Span] = []
        self._after: dict[_Place, list[str]] = {}
        self._modules: dict[str, str] = {}
        self.names_given: dict[str, str] = {}  # what a fix called its own variables here

    def untouched(self) -> Draft:
        """The same file, parsed once, with no change of it yet."""
        other = copy(self)
        other._spans, other._after, other._modules, other.names_given = [], {}, {}, {}
        return other

    # -- places

    def _start(self, node: ast.expr | ast.stmt) -> _Place:
        return node.lineno, self._character(node.lineno, node.col_offset)

    def _end(self, node: ast.expr | ast.stmt) -> _Place:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return node.end_lineno, self._character(node.end_lineno, node.end_col_offset)

    def _character(self, line: int, offset: int) -> int:
        """The character at a byte of a line."""
        return len(self.lines[line - 1].encode()[:offset].decode())

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that a node is in."""
        if isinstance(node, ast.stmt):
            return node
        return next(above for above in self.names.parents(node) if isinstance(above, ast.stmt))

    def _first_on_line(self, statement: ast.stmt) -> ast.stmt:
        """The first of the statements that semicolons join to one line."""
        body = getattr(self.names.parent(statement), "body", None)
        before = [other for other in body or () if getattr(other, "lineno", 0) == statement.lineno]
        return before[0] if statement in before else statement

    def source(self, node: ast.expr | ast.stmt) -> str:
        """A node as it is written."""
        (first, start), (last, end) = self._start(node), self._end(node)
        if first == last:
            return self.lines[first - 1][start:end]
        middle = self.lines[first : last - 1]
        return "\n".join([self.lines[first - 1][start:], *middle, self.lines[last - 1][:end]])

    def at(self, line: int) -> Iterator[ast.AST]:
        """The nodes that lie on a line, outermost first; of compound statements their heads alone."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.expr | ast.stmt) and node.lineno <= line <= (node.end_lineno or 0):
                body = getattr(node, "body", None)
                if isinstance(body, list) and body and line >= body[0].lineno > node.lineno:
                    continue
                yield node

    # -- changes

    def replace(self, node: ast.expr, text: str) -> None:
        self._add(self._start(node), self._end(node), text)

    def wrap(self, node: ast.expr, before: str, after: str) -> None:
        start, end = self._start(node), self._end(node)
        if isinstance(self.names.parent(node), ast.Call) and isinstance(node, ast.GeneratorExp):
            raise UnclearPlace("a generator expression as the only argument has its call's parentheses")
        self._add(start, start, before)
        self._add(end, end, after)

    def rename(self, call: ast.Call, name: str) -> None:
        """Another last name for what is called: `empty` of `torch.empty(3)` becomes `zeros`."""
        function = call.func
        line, end = self._end(function)
        old = function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)
        if not self.lines[line - 1][:end].endswith(old):
            raise UnclearPlace("the name is not where it was expected")
        self._add((line, end - len(old)), (line, end), name)

    def keyword(self, call: ast.Call, name: str, value: str) -> None:
        """`name=value` among the arguments of a call, in place of what was given for it."""
        for given in call.keywords:
            if given.arg == name:
                self.replace(given.value, value)
                return
        arguments: list[ast.expr] = [*call.args, *(given.value for given in call.keywords)]
        end = self._end(call)
        if len(call.args) == 1 and not call.keywords and isinstance(call.args[0], ast.GeneratorExp):
            raise UnclearPlace("a generator expression as the only argument needs parentheses first")
        if not arguments:
            self._add((end[0], end[1] - 1), (end[0], end[1] - 1), f"{name}={value}")
            return
        place = max(self._end(argument) for argument in arguments)
        comma = False
        for line in range(place[0], end[0] + 1):  # behind parentheses around the last one, and a comma
            text = self.lines[line - 1]
            stop = end[1] - 1 if line == end[0] else len(text)
            for column in range(place[1] if line == place[0] else 0, stop):
                if text[column] == "#":
                    break
                if text[column] in "),":
                    place, comma = (line, column + 1), text[column] == ","
        self._add(place, place, f"{' ' if comma else ', '}{name}={value}")

    def before(self, statement: ast.stmt, *lines: str) -> None:
        """Lines of their own before a statement, with its indentation."""
        line, column = self._start(statement)
        decorators = getattr(statement, "decorator_list", [])
        line = min([line, *(one.lineno for one in decorators)])
        indent = self.lines[line - 1][: len(self.lines[line - 1]) - len(self.lines[line - 1].lstrip())]
        if not decorators and self.lines[line - 1][:column].strip():
            raise UnclearPlace("the statement shares its line")
        self._add((line, 0), (line, 0), "".join(f"{indent}{text}\n" for text in lines))

    def after(self, statement: ast.stmt, *lines: str) -> None:
        """Lines of their own after a simple statement, with the indentation of its line."""
        line, column = self._end(statement)
        rest = self.lines[line - 1][column:].strip()
        first, start = self._start(self._first_on_line(statement))
        indent = self.lines[first - 1][:start]
        if not indent.strip() and rest.startswith(";") and "#" not in "".join(lines):
            self._add((line, column), (line, column), "".join(f"; {text}" for text in lines))
            return
        if indent.strip() or (rest and not rest.startswith("#")):
            raise UnclearPlace("the statement shares its line")
        self._check((line, column), (line, column), "\n".join(lines))
        waiting = self._after.setdefault((line, len(self.lines[line - 1])), [])
        waiting.extend(indent + text for text in lines if indent + text not in waiting)

    def inside(self, statement: ast.For, *lines: str) -> None:
        """Lines of their own at the start of a loop's body."""
        self.before(statement.body[0], *lines)

    def head(self, statement: ast.While, text: str) -> None:
        """Another head for a loop, which lies on one line."""
        line, column = self._start(statement)
        end = self._end(statement.test)
        colon = self.lines[line - 1].find(":", end[1])
        if end[0] != line or colon < 0:
            raise UnclearPlace("the head is not on one line")
        self._add((line, column), (line, colon + 1), text)

    def around(self, statement: ast.stmt, head: str) -> None:
        """A statement as the body of another."""
        (first, column), (last, end) = self._start(statement), self._end(statement)
        indent = self.lines[first - 1][:column]
        if indent.strip() or getattr(statement, "decorator_list", None):
            raise UnclearPlace("the statement shares its line")
        if self.lines[last - 1][end:].strip(" \t").startswith(";"):
            raise UnclearPlace("the statement shares its line")
        for node in ast.walk(statement):
            if isinstance(node, ast.Constant | ast.JoinedStr) and node.lineno != node.end_lineno:
                raise UnclearPlace("a text of several lines would be indented with it")
        self._add((first, 0), (first, 0), f"{indent}{head}\n")
        for line in range(first, last + 1):
            if self.lines[line - 1].strip():
                self._add((line, 0), (line, 0), "\t" if indent.startswith("\t") else _INDENT)

    def module(self, full: str, before: int | None = None) -> str:
        """The name that a module has at the module level before a line, or behind the imports at the start.

        It is imported if it has none.
        """
        if full in self._modules:
            return self._modules[full]
        if before is None:
            last = self.last_import()
            before = 1 if last is None else last.lineno + 1
        top = [node for node in self.tree.body if isinstance(node, ast.Import)]
        for node in top:
            for alias in node.names:
                if node.lineno < before and (name := bound_as(alias, full)) is not None:
                    return name
        name = _USUAL.get(full, full)
        taken = {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}
        taken |= {node.arg for node in ast.walk(self.tree) if isinstance(node, ast.arg)}
        bound = {alias.asname or alias.name for node in top for alias in node.names if alias.name == full}
        for other in ast.walk(self.tree):
            if isinstance(other, ast.ImportFrom):
                taken |= {alias.asname or alias.name for alias in other.names}
            elif isinstance(other, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                taken.add(other.name)
        name = next(iter(bound), name) if bound else f"_{name}" if name in taken else name
        self._modules[full] = name
        text = f"import {full}" if name == full else f"import {full} as {name}"
        self.at_top(text)
        return name

    def at_top(self, *lines: str) -> None:
        """Lines before all else that runs: after the docstring and what is imported from `__future__`."""
        last: ast.stmt | None = None
        for node in self.tree.body:
            if is_docstring(node) or (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
                last = node
        following = next((n for n in self.tree.body if last is None or n.lineno > last.lineno), None)
        if following is None:
            raise UnclearPlace("there is nothing in the file")
        self.before(following, *lines)

    def last_import(self, own: Collection[str] | None = None) -> ast.stmt | None:
        """The last statement of the imports at the start of the file.

        ``own``: names of the program's own modules; then the last before one of them may be loaded.
        """
        last: ast.stmt | None = None
        for node in self.tree.body:
            if imports(node) and (own is None or installed_alone(node, own)):
                last = node
            elif not (is_docstring(node) or ast.unparse(node).startswith(_AMONG_IMPORTS)):
                break
        return last

    def late_import(self, full: str, last: ast.stmt, own: Collection[str] | None = None) -> ast.stmt:
        """The import of a module behind a statement, if all between them draws nothing; else the statement.

        ``own``: as for `last_import`.
        """
        for node in self.tree.body:
            binds = isinstance(node, ast.Import) and any(bound_as(alias, full) for alias in node.names)
            if node.lineno <= last.lineno:
                if binds:
                    break
                continue
            loads = imports(node) and own is not None and not installed_alone(node, own)
            if loads or not (imports(node) or is_quiet(node)):
                break
            if binds:
                return node
        return last

    def after_imports(self, *lines: str) -> None:
        """Lines after the imports at the start of the file."""
        last = self.last_import()
        if last is None:
            self.at_top(*lines)
        else:
            self.after(last, *lines)

    def free(self, name: str) -> str:
        """A name that the file does not use yet."""
        used = {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}
        used |= {
            node.name for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        used |= {node.arg for node in ast.walk(self.tree) if isinstance(node, ast.arg)}
        while name in used:
            name += "_"
        return name

    def _add(self, start: _Place, end: _Place, text: str) -> None:
        span = _Span(start, end, text)
        if span in self._spans and start == end and text.endswith("\n"):
            return
        for other in self._spans:
            inside = other.start < end and start < other.end
            if inside:
                if span == other:
                    return
                raise UnclearPlace("two changes of one place")
        self._check(start, end, text)
        self._spans.append(span)

    def _check(self, start: _Place, end: _Place, text: str) -> None:
        """That the builtins which a change brings are what they are called there."""
        new = Counter(_BUILTINS.findall(text))
        if new and end > start:
            last = end[1] if start[0] == end[0] else None
            old = [self.lines[start[0] - 1][start[1] : last], *self.lines[start[0] : end[0]]]
            new -= Counter(_BUILTINS.findall("\n".join(old)))
        for name in new:
            if self.names.rebinds(name, start[0]):
                raise UnclearPlace(f"{name} is another name here than the builtin")

    # -- what comes of it

    @property
    def changed(self) -> bool:
        return bool(self._spans or self._after)

    def edits(self) -> tuple[Edit, ...]:
        """The changes by line; none where the file would no longer compile."""
        spans = list(self._spans)
        for (line, column), lines in self._after.items():
            spans.append(_Span((line, column), (line, column), "".join("\n" + text for text in lines)))
        order = sorted(range(len(spans)), key=lambda i: (spans[i].start, spans[i].end, i))
        groups: list[list[_Span]] = []
        for number in order:
            span = spans[number]
            if groups and span.start[0] <= max(one.end[0] for one in groups[-1]):
                groups[-1].append(span)
            else:
                groups.append([span])
        found: list[Edit] = []
        for group in groups:
            found.extend(self._of(group))
        if any(LEFT_OUT in edit.replacement for edit in found):
            return ()  # the record holds the line without a secret, and the file with it
        try:
            compile(applied("\n".join(self.lines), found), self.file, "exec", _AWAITS, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ()
        return tuple(found)

    def _of(self, group: list[_Span]) -> Iterator[Edit]:
        """One group of changes that share lines, as edits of these lines."""
        first, last = group[0].start[0], max(span.end[0] for span in group)
        old = self.lines[first - 1 : last]
        starts = [0]
        for line in old:
            starts.append(starts[-1] + len(line) + 1)
        text, at, parts = "\n".join(old), 0, []
        for span in group:
            start = starts[span.start[0] - first] + span.start[1]
            parts += [text[at:start], span.text]
            at = starts[span.end[0] - first] + span.end[1]
        new = "".join([*parts, text[at:]]).split("\n")
        if len(new) < len(old):
            new += [""] * (len(old) - len(new))
        elif len(new) > len(old):
            new = [*new[: len(old) - 1], "\n".join(new[len(old) - 1 :])]
        for number, (was, now) in enumerate(zip(old, new, strict=True), first):
            if was != now:
                yield Edit(self.file, number, now)


def applied(text: str, edits: list[Edit] | tuple[Edit, ...]) -> str:
    """A file's text with the edits of that file made."""
    lines = text.split("\n")
    for edit in edits:
        lines[edit.line - 1] = edit.replacement
    return "\n".join(lines)
