"""Where findings are, for tools that know files alone: paths, and the line of a notebook's file."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import quote

from samebits.audit.engine import Unread
from samebits.audit.notebooks import Notebook, NotKept
from samebits.audit.texts import Texts
from samebits.model.sites import Site, cell
from samebits.source.summary import SourcePlace

_CELL: Final = re.compile(r"cell (\d+) of (.+)", re.DOTALL)


def of_site(site: Site) -> tuple[str, int | None, int]:
    """The file of a site, the cell if it is a notebook's, and the line there."""
    match = _CELL.fullmatch(site.file)
    return (match[2], int(match[1]), site.line) if match else (site.file, None, site.line)


def relative(file: str, top: str = "") -> str | None:
    """A file's path within a folder (the working folder), with slashes; None where it lies elsewhere."""
    top = top or os.getcwd()
    path = os.path.relpath(os.path.abspath(file), top).replace(os.sep, "/")
    return None if path.startswith("../") or path == ".." else path


def uri(file: str) -> dict[str, str]:
    """A file as SARIF names it: within the working folder, else whole."""
    path = relative(file)
    if path is None:
        return {"uri": Path(os.path.abspath(file)).as_uri()}
    return {"uri": quote(os.fsencode(path), safe="/"), "uriBaseId": "%SRCROOT%"}


def file_lines(place: SourcePlace, texts: Texts) -> tuple[int, int, bool]:
    """The first and last line of a place in its file, and whether columns hold there: not in a notebook."""
    cell, line, end = texts.where(place)
    if cell is None:
        return line, end, True
    data = texts.data(place.file)
    try:
        notebook = Notebook.of(data or b"")
    except NotKept:
        return 1, 1, False
    return notebook.file_line(cell, line), notebook.file_line(cell, end), False


def unread_line(one: Unread, texts: Texts) -> int | None:
    """The line of a file that could not be read, also where it is a line of a notebook's cell."""
    if one.cell is None or one.line is None:
        return one.line
    return site_line(Site(cell(one.cell, one.file), one.line), texts)[1]


def site_line(site: Site, texts: Texts) -> tuple[str, int]:
    """The file of a site, and the line of that file."""
    file, cell, line = of_site(site)
    if cell is None:
        return file, line
    try:
        return file, Notebook.of(texts.data(file) or b"").file_line(cell, line)
    except NotKept:
        return file, 1
