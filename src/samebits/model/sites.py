"""A place in the user's source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

#: What a notebook's cell is called: by its number, and by the notebook where that is known.
_CELL: Final = re.compile(r"cell \d+( of .+)?")


def cell(number: int, notebook: str | None = None) -> str:
    """The "file" of a site in a notebook's cell."""
    return f"cell {number} of {notebook}" if notebook else f"cell {number}"


def at(file: str, line: int | None) -> str:
    """A place in words: "train.py:36", "cell 3, line 5"."""
    if line is None:
        return file
    return f"{file}, line {line}" if _CELL.fullmatch(file) else f"{file}:{line}"


@dataclass(frozen=True, slots=True)
class Site:
    """A place in the user's source.  ``file`` is relative to the run's working directory if under it."""

    file: str
    line: int
    function: str = "<module>"
    column: int | None = None  # from 1, in characters; known to whoever reads the source alone

    def __str__(self) -> str:
        return at(self.file, self.line) + (f":{self.column}" if self.column is not None else "")
