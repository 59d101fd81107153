"""A place in the user's source."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

#: What a notebook's cell is called: by its number, and by the notebook where that is known.
_CELL: Final = re.compile(r"cell \d+( of .+)?")
#: What a folder of installed packages is called.
INSTALLED_NAMES: Final = ("site-packages", "dist-packages")
_SHORT: Final = 3  # names of a path that needs no shortening


def cell(number: int, notebook: str | None = None) -> str:
    """The "file" of a site in a notebook's cell."""
    return f"cell {number} of {notebook}" if notebook else f"cell {number}"


def cell_line(firsts: Sequence[int], line: int) -> tuple[int, int]:
    """The cell of a line of a notebook's text, and the line in there, given the first line of each cell."""
    number = max(sum(first <= line for first in firsts), 1)
    return number, line - firsts[number - 1] + 1


def at(file: str, line: int | None) -> str:
    """A place in words: "train.py:36", "cell 3, line 5"."""
    if line is None:
        return file
    return f"{file}, line {line}" if _CELL.fullmatch(file) else f"{file}:{line}"


def short_path(file: str) -> str:
    """A file's path as it is said to a person; documents keep it whole.

    What lies in the working folder has a relative path already.  Of an installed package it is the path
    within ("lightning/pytorch/loops/fit_loop.py"), below the home folder it begins with "~", and elsewhere
    the folder and the name are said (".../project/train.py").
    """
    path = PurePath(file)
    if not path.is_absolute():
        return file
    inside = [number for number, name in enumerate(path.parts) if name in INSTALLED_NAMES]
    if inside and inside[-1] + 1 < len(path.parts):
        return "/".join(path.parts[inside[-1] + 1 :])
    home = os.path.expanduser("~")
    if home not in ("~", os.sep) and path.is_relative_to(home):
        return "/".join(("~", *path.relative_to(home).parts))
    return file if len(path.parts) <= _SHORT else "/".join(("...", *path.parts[-2:]))


@dataclass(frozen=True, slots=True)
class Site:
    """A place in the user's source.  ``file`` is relative to the run's working directory if under it."""

    file: str
    line: int
    function: str = "<module>"
    column: int | None = None  # from 1, in characters; known to whoever reads the source alone

    def __str__(self) -> str:
        return at(self.file, self.line) + (f":{self.column}" if self.column is not None else "")
