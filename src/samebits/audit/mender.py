"""The fixes of one file's hits, as edits of its lines: each by itself, or several together.

Nothing is written here.  A fix that cannot be made without doubt is left, and why is said.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from samebits.audit.notebooks import Notebook, NotKept
from samebits.audit.reading import Source
from samebits.causes._edits import Draft, UnclearPlace
from samebits.model.finding import Edit
from samebits.model.rule import Hit
from samebits.model.sites import cell_line
from samebits.source.source_text import SourceText
from samebits.source.summary import SourcePlace

_MOST: Final = 200  # fixes of one file at once: what they take grows with their square
_BROKEN: Final = "the file would no longer be Python"
_Span = tuple[tuple[int, int], tuple[int, int]]


class Mender:
    """Makes the fixes that hits of one file bring."""

    def __init__(self, source: Source) -> None:
        self.source = source

    @cached_property
    def _first(self) -> Draft:
        try:
            return Draft(self.source.file, self.source.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            why = str(error) if isinstance(error, UnclearPlace) else "the file cannot be parsed"
            raise UnclearPlace(why) from error

    @cached_property
    def _nodes(self) -> dict[tuple[int, int], list[ast.expr | ast.stmt]]:
        """By line and byte where they begin, outermost first; what an f-string consists of has no place."""
        found: dict[tuple[int, int], list[ast.expr | ast.stmt]] = {}
        for node in ast.walk(self._first.tree):
            if isinstance(node, ast.expr | ast.stmt) and not isinstance(
                self._first.names.parent(node), ast.JoinedStr
            ):
                found.setdefault((node.lineno, node.col_offset), []).append(node)
        return found

    def node(self, place: SourcePlace) -> ast.expr | ast.stmt:
        """The innermost node that stands at a place.

        Raises:
            UnclearPlace: there is none.
        """
        lines = self._first.lines
        if 1 <= place.line <= len(lines) and 1 <= place.end_line <= len(lines):
            start = _byte(lines[place.line - 1], place.column)
            found = [
                node for node in self._nodes.get((place.line, start), ()) if node.end_lineno == place.end_line
            ]
            if place.end_column:
                end = _byte(lines[place.end_line - 1], place.end_column)
                found = [node for node in found if node.end_col_offset == end]
            else:
                found = [node for node in found if isinstance(node, ast.Call)] or found
            if found:
                return found[-1]
        raise UnclearPlace("no single expression or statement stands at the place")

    def alone(self, hit: Hit) -> tuple[Edit, ...]:
        """The edits of one hit's fix; none where it cannot be made."""
        try:
            return self._made([hit]).edits()
        except UnclearPlace:
            return ()

    def together(self, hits: Sequence[Hit]) -> tuple[tuple[Edit, ...], list[Hit], list[tuple[Hit, str]]]:
        """Edits that make the fixes of as many hits as go together, those hits, and of others why not.

        A hit that lies within another is for the next time, and so are those beyond some number.
        """
        made: list[Hit] = []
        left: list[tuple[Hit, str]] = []
        taken: list[_Span] = []
        draft: Draft | None = None
        for hit in hits:
            if len(made) == _MOST:
                break
            try:
                span = _span(self.node(hit.place))
                if any(span[0] < end and start < span[1] for start, end in taken):
                    continue
                draft = self._made(made) if draft is None else draft
                self._mend(draft, hit)
            except UnclearPlace as error:
                left.append((hit, str(error)))
                draft = None  # it may have half of the fix
            else:
                made.append(hit)
                taken.append(span)
        kept: list[Hit] = []
        edits: tuple[Edit, ...] = ()
        groups = [made] if made else []
        while groups:  # of what leaves no Python together, the halves
            group = groups.pop()
            if tried := self._made([*kept, *group]).edits():
                edits = tried
                kept += group
            elif len(group) == 1:
                left.append((group[0], _BROKEN))
            else:
                middle = len(group) // 2
                groups += [group[middle:], group[:middle]]
        return edits, kept, left

    def _made(self, hits: Sequence[Hit]) -> Draft:
        draft = self._first.untouched()
        for hit in hits:
            self._mend(draft, hit)
        return draft

    def _mend(self, draft: Draft, hit: Hit) -> None:
        assert hit.mend is not None
        node = self.node(hit.place)
        try:
            hit.mend(draft, node)
        except UnclearPlace:
            raise
        except Exception as error:  # one fix that fails must not keep the others from being made
            raise UnclearPlace(f"its fix failed: {type(error).__name__}: {error}") from error

    def changed(self, data: bytes, edits: Sequence[Edit]) -> bytes:
        """The bytes of the file with the edits made.

        Raises:
            UnclearPlace: they cannot be made in this file.
        """
        try:
            if self.source.cells is not None:
                return self._in_cells(data, edits)
            text = SourceText.of(data)
            groups = [[line] for line in text.lines]
            for edit in edits:
                groups[edit.line - 1] = edit.replacement.split("\n")
            return text.data(groups)
        except (ValueError, IndexError, NotKept) as error:
            raise UnclearPlace(str(error)) from error

    def _in_cells(self, data: bytes, edits: Sequence[Edit]) -> bytes:
        notebook = Notebook.of(data)
        cells = self.source.cells or ()
        plain = self.source.text.split("\n")
        changes: dict[tuple[int, int], list[str]] = {}
        for edit in edits:
            cell, line = cell_line(cells, edit.line)
            own = notebook.lines(cell)[line - 1].removesuffix("\r")
            changes[cell, line] = list(_with_magic(edit.replacement.split("\n"), plain[edit.line - 1], own))
        return notebook.changed(changes)


def _with_magic(lines: Sequence[str], plain: str, own: str) -> Iterator[str]:
    """New lines, of which one is a cell's magic that was read as a comment."""
    if plain != own and lines.count(plain) != 1:
        raise UnclearPlace("the line is a magic of the notebook")
    for line in lines:
        yield own if line == plain else line


def _byte(line: str, column: int) -> int:
    return len(line[: column - 1].encode())


def _span(node: ast.expr | ast.stmt) -> _Span:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
