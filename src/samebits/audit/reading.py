"""Source as an audit reads it: a file's text, decoded as Python itself would, or a notebook's cells as one.

Nothing is imported or run.  Of a notebook the code cells follow each other, a cell's magics and shell lines
as comments, and each line knows its cell.
"""

from __future__ import annotations

import ast
import io
import json
import os
import re
import stat
import tokenize
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from samebits.errors import UsageError
from samebits.model.sites import Site, cell, cell_line
from samebits.source.module import Module

#: Longer files are data that happens to be written as Python.
LONGEST: Final = 4 << 20
_GIVEN: Final = re.compile(r"(\s*[A-Za-z_][\w, ]*?)\s*=\s*[!%](?=\w)")  # `files = !ls`, `here = %pwd`
#: Magics of a cell that make the whole of it no Python.
_OTHER_LANGUAGES: Final = (
    *("%%bash", "%%sh", "%%script", "%%html", "%%javascript", "%%js", "%%latex", "%%markdown", "%%svg"),
    *("%%perl", "%%ruby", "%%writefile"),
)


class UnreadableSource(UsageError):
    """A file that is no Python source, and where it is not.

    Attributes:
        line: the line, or None.
        reason: why, in a sentence.
    """

    def __init__(self, message: str, reason: str, line: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.line = line


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one file.

    Attributes:
        file: its path, as findings name it.
        text: the source, its line ends as they are.
        cells: of a notebook, the first line of each code cell in the text; else None.
        left_out: of a notebook, the lines at which cells are no Python, and why; such cells are comments.
    """

    file: str
    text: str
    cells: tuple[int, ...] | None = None
    left_out: tuple[tuple[int, str], ...] = ()

    def site(self, line: int, column: int | None = None) -> Site:
        """A line of the text as a place of the file."""
        if self.cells is None:
            return Site(self.file, line, column=column)
        number, line_of_cell = cell_line(self.cells, line)
        return Site(cell(number, self.file), line_of_cell, column=column)

    def module(self) -> Module:
        """The parsed text.

        Raises:
            UnreadableSource: it is not Python, or nested too deeply.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the source, such as an invalid escape: not what is asked
                return Module(self.text, self.file, ast.parse(self.text))
        except SyntaxError as error:
            site = self.site(error.lineno or 1, error.offset or 1)
            raise UnreadableSource(
                f"{site} is not Python: {error.msg}.", f"not Python: {error.msg}", site.line
            ) from error
        except (ValueError, RecursionError, MemoryError) as error:
            reason = f"cannot be parsed: {str(error) or type(error).__name__}"
            raise UnreadableSource(f"{self.file} {reason}.", reason) from error


def read(path: str | os.PathLike[str], name: str | None = None) -> Source:
    """The source of one file, which ``name`` names in what is found.

    Raises:
        UnreadableSource: it cannot be read or decoded.
    """
    name = str(os.fspath(path)) if name is None else name
    try:
        if not stat.S_ISREG(os.stat(path).st_mode) and not os.path.isdir(path):  # a pipe would be waited for
            raise UnreadableSource(f"{name} is no regular file.", "is no regular file")
        with open(path, "rb") as file:
            data = file.read(LONGEST + 1)
    except (OSError, ValueError) as error:  # a ValueError: a null character in the name
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise UnreadableSource(f"{name} {reason}.", reason) from error
    return decoded(data, name)


def decoded(data: bytes, name: str) -> Source:
    """The source that the bytes of a file are.

    Raises:
        UnreadableSource: they are none.
    """
    if len(data) > LONGEST:
        reason = f"is longer than {LONGEST >> 20} MB, and was not read"
        raise UnreadableSource(f"{name} {reason}.", reason)
    if name.endswith(".ipynb"):
        return _notebook(data, name)
    if b"\0" in data:
        raise UnreadableSource(f"{name} is not Python source: it has null bytes.", "has null bytes")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = io.TextIOWrapper(io.BytesIO(data), encoding, newline="").read()
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise UnreadableSource(
            f"{name} cannot be decoded: {error}. Save it as UTF-8, or say its encoding in the first line: # "
            "-*- coding: latin-1 -*-",
            f"cannot be decoded: {error}",
        ) from error
    return Source(name, text.replace("\r\n", "\n").replace("\r", "\n"))


def _notebook(data: bytes, name: str) -> Source:
    what = "it is not JSON"
    try:
        document = json.loads(data)
        what = "it has no list of cells"
        every = cells_of(document)
        what = "its list of cells holds something else"
        found = [each for each in every if each.get("cell_type", "code") == "code"]
        cells = [plain_lines(cell_text(each)) for each in found]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"is not a notebook: {what}"
        raise UnreadableSource(f"{name} {reason}.", reason) from error
    firsts = [1 + before for before in accumulate(map(len, cells), initial=0)][:-1]
    left_out: list[tuple[int, str]] = []
    if _fault(_text(cells)) is not None:
        for number, lines in enumerate(cells):
            if (fault := _fault("\n".join(lines) + "\n")) is not None:
                left_out.append((firsts[number] + min(fault[0], len(lines)) - 1, fault[1]))
                cells[number] = ["#"] * len(lines)
    return Source(name, _text(cells), tuple(firsts) or (1,), tuple(left_out))


def _text(cells: Sequence[Sequence[str]]) -> str:
    return "\n".join(line for lines in cells for line in lines) + "\n"


def _fault(text: str) -> tuple[int, str] | None:
    """The line at which a text is no Python, and why; None where it is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return error.lineno or 1, f"not Python: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return 1, f"cannot be parsed: {str(error) or type(error).__name__}"
    return None


def cells_of(document: Any) -> list[dict[str, Any]]:
    """The cells of a notebook's document, of format 4 or 3."""
    if isinstance(cells := document.get("cells"), list):
        return cells
    return [each for sheet in document["worksheets"] for each in sheet["cells"]]


def cell_text(one: dict[str, Any]) -> str:
    text = one.get("source", one.get("input", ""))
    return text if isinstance(text, str) else "".join(text)


def plain_lines(text: str) -> list[str]:
    """A cell's lines, as many as it has, those that are no Python as comments."""
    lines = text.replace("\r\n", "\n").split("\n")
    first = next((line.split() for line in lines if line.strip()), [""])
    if first and first[0] in _OTHER_LANGUAGES:
        return [f"# {line}" for line in lines]
    found: list[str] = []
    goes_on = False
    for line in lines:
        bare = line.lstrip()
        given = None if goes_on else _GIVEN.match(line)
        if given is not None:
            found.append(f"{given[1]} = None  # {bare}")
        elif goes_on or bare.startswith(("%", "!")) or (bare.startswith("?") or bare.rstrip().endswith("?")):
            indent = line[: len(line) - len(bare)]
            found.append(f"{indent}pass  # {bare}" if indent and not goes_on else f"# {line}")
            goes_on = bare.rstrip().endswith("\\")
        else:
            found.append(line)
    return found
