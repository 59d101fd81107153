"""A notebook's file with some lines of its cells changed: every other byte of the JSON stays.

The document is not written anew.  It is only searched for where each cell's source stands, and the strings of
lines that change are replaced there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from json import JSONDecodeError
from typing import Final

from samebits.errors import UsageError

_BLANKS: Final = " \t\r\n"
_DECODER: Final = json.JSONDecoder()


class NotKept(UsageError):
    """A notebook that cannot be changed without touching more than the lines that are meant."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A string of the document, and where it stands."""

    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class Notebook:
    """The text of a notebook's file, and the strings that its cells of code consist of.

    Attributes:
        text: the whole file.
        cells: of each cell of code one string of all its lines, or a string a line.
    """

    text: str
    cells: tuple[tuple[_Text, ...], ...]

    @classmethod
    def of(cls, data: bytes) -> Notebook:
        """The notebook that bytes are.

        Raises:
            NotKept: they are none in UTF-8.
        """
        try:
            text = data.decode()
            top = dict(_members(text, 1 if text.startswith("\ufeff") else 0))
            if "cells" in top:
                every = list(_items(text, top["cells"][0]))
            else:
                sheets = _items(text, top["worksheets"][0])
                every = [
                    one
                    for start, _ in sheets
                    for one in _items(text, dict(_members(text, start))["cells"][0])
                ]
            cells = [dict(_members(text, start)) for start, _ in every]
            code = [cell for cell in cells if _value(text, cell, "cell_type", "code") == "code"]
            return cls(text, tuple(_source(text, cell.get("source") or cell.get("input")) for cell in code))
        except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            raise NotKept("it cannot be read as a notebook in UTF-8.") from error

    def lines(self, cell: int) -> list[str]:
        """The lines of a cell, counted from 1, without their line feeds."""
        return "".join(text.value for text in self.cells[cell - 1]).split("\n")

    def changed(self, changes: Mapping[tuple[int, int], Sequence[str]]) -> bytes:
        """The file with other lines in the place of lines, each given by its cell and its number, from 1.

        Raises:
            NotKept: a line does not stand by itself in the document.
        """
        spans: list[tuple[int, int, str]] = []
        for cell in sorted({cell for cell, _ in changes}):
            texts = self.cells[cell - 1]
            new = {line: list(lines) for (of, line), lines in changes.items() if of == cell}
            if len(texts) == 1 and not self._is_listed(texts[0]):
                spans.append(self._whole(texts[0], new))
            elif texts:
                spans += self._each(texts, new)
        text, at, parts = self.text, 0, []
        for start, end, replacement in sorted(spans):
            parts += [text[at:start], replacement]
            at = end
        return "".join([*parts, text[at:]]).encode()

    def _whole(self, text: _Text, new: Mapping[int, list[str]]) -> tuple[int, int, str]:
        """A cell that is one string."""
        lines: list[str] = []
        for number, old in enumerate(text.value.split("\n"), 1):
            end = "\r" if old.endswith("\r") else ""
            lines += [line + end for line in new[number]] if number in new else [old]
        return text.start, text.end, self._dumped(text, "\n".join(lines))

    def _each(self, texts: Sequence[_Text], new: Mapping[int, list[str]]) -> Iterator[tuple[int, int, str]]:
        """A cell that is a list of its lines."""
        if (
            any(text.value.find("\n") != len(text.value) - 1 for text in texts[:-1])
            or "\n" in texts[-1].value[:-1]
        ):
            raise NotKept("the notebook does not keep this cell line by line.")
        for number, lines in new.items():
            if not 1 <= number <= len(texts):
                raise NotKept("the cell has no such line.")
            text = texts[number - 1]
            bare = text.value.rstrip("\r\n")
            end = text.value[len(bare) :]
            usual = texts[0].value[len(texts[0].value.rstrip("\r\n")) :] or "\n"
            yield (
                text.start,
                text.end,
                self._listed(
                    text, [line + (end or usual) for line in lines[:-1]] + [line + end for line in lines[-1:]]
                ),
            )

    def _is_listed(self, text: _Text) -> bool:
        return self.text[: text.start].rstrip(_BLANKS).endswith("[")

    def _listed(self, text: _Text, lines: Sequence[str]) -> str:
        """Strings of a list, set apart as the one in whose place they stand is from what is before it."""
        before = self.text[: text.start]
        blanks = before[len(before.rstrip(_BLANKS)) :]
        return f",{blanks or ' '}".join(self._dumped(text, line) for line in lines)

    def _dumped(self, text: _Text, value: str) -> str:
        """A string as the document writes it, with or without escapes."""
        escaped = self.text[text.start : text.end].isascii() and not text.value.isascii()
        return json.dumps(value, ensure_ascii=escaped or self.text.isascii())

    def file_line(self, cell: int, line: int) -> int:
        """The line of the file in which a cell's line stands; of a cell in one string, the string's."""
        texts = self.cells[cell - 1] if 1 <= cell <= len(self.cells) else ()
        if not texts:
            return 1
        text = texts[min(line, len(texts)) - 1]
        return self.text.count("\n", 0, text.start) + 1


def _blank(text: str, at: int) -> int:
    while text[at] in _BLANKS:
        at += 1
    return at


def _members(text: str, at: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """The names of an object that begins there, and where their values stand."""
    at = _open(text, at, "{")
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _blank(text, at)
        start = _blank(text, at + 1)
        _, end = _DECODER.raw_decode(text, start)
        yield name, (start, end)
        at = _next(text, end, "}")


def _items(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Where the items of a list that begins there stand."""
    at = _open(text, at, "[")
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield at, end
        at = _next(text, end, "]")


def _open(text: str, at: int, bracket: str) -> int:
    at = _blank(text, at)
    if text[at] != bracket:
        raise JSONDecodeError(f"expected {bracket}", text, at)
    return _blank(text, at + 1)


def _next(text: str, at: int, close: str) -> int:
    """Where the next one begins, or the end stands."""
    at = _blank(text, at)
    return at if text[at] == close else _blank(text, at + 1)


def _value(text: str, members: Mapping[str, tuple[int, int]], name: str, default: str) -> str:
    if name not in members:
        return default
    return str(_DECODER.raw_decode(text, members[name][0])[0])


def _source(text: str, span: tuple[int, int] | None) -> tuple[_Text, ...]:
    if span is None:
        return ()
    spans = [span] if text[span[0]] != "[" else list(_items(text, span[0]))
    return tuple(_Text(start, end, str(_DECODER.raw_decode(text, start)[0])) for start, end in spans)
