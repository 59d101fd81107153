"""Sentences of rules, which name lines of a file, as sentences that name cells where the file is a notebook.

A rule reads the cells of a notebook as one text and knows nothing of them: it says "line 8", or
"train.ipynb:8", and no cell has such a line.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Final

from samebits.model.sites import at, cell, cell_line

_LINE: Final = re.compile(r"\bline (\d+)\b")
_PLACE: Final = re.compile(r"([^\s,()]*\.ipynb):(\d+)")


def with_cells(text: str, file: str, notebooks: Mapping[str, tuple[int, ...]]) -> str:
    """A sentence about a file with the lines of notebooks named by their cells.

    Args:
        text: the sentence.
        file: what a line without a file is of.
        notebooks: by path, the first line of each cell of code.
    """

    def of_other(match: re.Match[str]) -> str:
        named = match[1]
        known = sorted(
            path
            for path in notebooks
            if path == named or posixpath.basename(path) == posixpath.basename(named)
        )
        if not known:
            return match[0]
        path = file if file in known else named if named in known else known[0]
        number, line = cell_line(notebooks[path], int(match[2]))
        return at(cell(number, None if path == file else named), line)

    def of_own(match: re.Match[str]) -> str:
        number, line = cell_line(notebooks[file], int(match[1]))
        return at(cell(number), line)

    if file in notebooks:  # before the others, whose cells have lines, too
        text = _LINE.sub(of_own, text)
    return _PLACE.sub(of_other, text) if ".ipynb:" in text else text
