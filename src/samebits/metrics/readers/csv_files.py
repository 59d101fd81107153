"""CSV with a header: Lightning's CSVLogger, Ultralytics' results.csv, Keras, Stable-Baselines, pandas.

Separated by commas, semicolons (then 0,5 is a half) or tabs.  An empty cell is no value, and so is a text.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from samebits.errors import RecordError
from samebits.metrics.readers._files import head, is_file, lines
from samebits.metrics.readers._rows import LoggedRows
from samebits.metrics.scalars import Scalars
from samebits.record.store import shown

KIND: Final = "CSV"
ORDER: Final = 90

#: What loggers call it in the folder of a run.
NAMES: Final = ("metrics.csv", "results.csv", "progress.csv", "log.csv")
_ENDINGS: Final = (".csv", ".tsv")
#: What may be anything: it is a CSV if its second line has numbers under the first's names.
_DOUBTFUL: Final = (".txt", ".log")
_DECIMAL_COMMA: Final = re.compile(r"([-+]?\d+),(\d+(?:[eE][-+]?\d+)?)")


def found(path: Path) -> bool:
    file = _file(path)
    if file is None or file.suffix.lower() not in _DOUBTFUL:
        return file is not None
    first, second, *_ = [*head(file).decode("utf-8", "replace").splitlines(), "", ""]
    separator = _separator(first)
    names, numbers = first.split(separator), second.split(separator)
    return len(names) == len(numbers) > 1 and any(
        _number(cell.strip(), separator) is not None for cell in numbers
    )


def _separator(header: str) -> str:
    return max(",;\t", key=header.count)


def _file(path: Path) -> Path | None:
    if path.suffix.lower() in _ENDINGS + _DOUBTFUL and is_file(path):
        return path
    return next((path / name for name in NAMES if is_file(path / name)), None)


def read(path: Path) -> Scalars:
    file = _file(path)
    if file is None:
        raise RecordError(f"{shown(path)} is no CSV any more")
    scalars, kept = Scalars(decimal=True), LoggedRows()
    text = _whole(lines(file, scalars), file, scalars)
    first, text = _first(text)
    if first is None:
        if not scalars.problems:
            scalars.problems.append(f"{shown(file.name)} has no line that is whole")
        return scalars
    separator = _separator(first)
    cells = next(csv.reader([first], delimiter=separator), [])
    if len(cells) > 1 and all(_number(cell.strip(), separator) is not None for cell in cells):
        raise RecordError(
            f"{shown(file)} has no header: its first line is {shown(first.strip())!r}; write the names of "
            "the columns above it, such as step,loss"
        )
    header = _header(cells, scalars)
    ragged: list[int] = []
    rows = csv.reader(text, delimiter=separator)
    try:
        for row in rows:
            cells = [cell.strip() for cell in row] or [""]
            if cells[0].startswith("#"):
                continue
            if len(cells) > len(header) and not any(cells[len(header) :]):  # a comma at the end
                cells = cells[: len(header)]
            if not any(cells) or cells == header:  # a header again: another run was appended
                continue
            if len(cells) != len(header):
                ragged.append(rows.line_num + 1)
                continue
            for name, cell in zip(header, cells, strict=True):
                if name and cell:  # a column without a name is an index
                    kept.add_text(name, cell, _number(cell, separator))
            kept.count += 1
    except csv.Error as error:
        line = rows.line_num + 1
        scalars.problems.append(f"{shown(file.name)}: line {line:,} is no CSV ({error}); read up to it")
    if ragged:
        scalars.problems.append(
            f"{shown(file.name)}: rows with more or fewer cells than the header are left out:"
            f" {len(ragged):,}, the first in line {ragged[0]:,}"
        )
    kept.fill(scalars)
    return scalars


def _first(text: Iterator[str]) -> tuple[str | None, Iterator[str]]:
    """The header, and the lines after it.  Comments come before it, or it is the last of them."""
    comment: str | None = None
    for line in text:
        if not line.lstrip().startswith("#"):
            separator = _separator(line)
            names = None if comment is None else comment.count(separator)
            if (
                comment is not None
                and names == line.count(separator)
                and _number(line.split(separator)[0].strip(), separator) is not None
            ):
                return comment, chain([line], text)
            return line, text
        comment = line.lstrip().lstrip("#").lstrip()
    return comment, text


def _whole(text: Iterator[str], file: Path, scalars: Scalars) -> Iterator[str]:
    """The lines that have an end.  The last number of one that has none may lack digits."""
    for line in text:
        if not line.endswith(("\n", "\r")):
            scalars.problems.append(
                f"{shown(file.name)}: the last line has no end; it may be cut off, and is left out"
            )
            return
        yield line


def _header(cells: list[str], scalars: Scalars) -> list[str]:
    """The names of the columns, each once."""
    names: list[str] = []
    for cell in map(str.strip, cells):
        name, number = cell, 1
        while name in names and cell:
            number += 1
            name = f"{cell} ({number})"
        if number > 1:
            scalars.problems.append(
                f"there are several columns {shown(cell)}; another is shown as {shown(name)}"
            )
        names.append(name)
    return names


def _number(cell: str, separator: str) -> float | None:
    if not cell:
        return None
    try:
        return float(cell)
    except ValueError:
        if separator == ";" and (parts := _DECIMAL_COMMA.fullmatch(cell)):
            return float(f"{parts[1]}.{parts[2]}")
        return None
