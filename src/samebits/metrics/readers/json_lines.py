"""JSON lines: an object a line, its numbers the metrics; or a JSON array of such objects.

The logs of detectron2, MMEngine, fairseq and Ray are of this kind, and many that are home-made.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from samebits.errors import RecordError
from samebits.metrics.readers._files import content, head, is_file, lines, parsed
from samebits.metrics.readers._rows import LoggedRows
from samebits.metrics.scalars import Scalars
from samebits.record.store import shown

KIND: Final = "JSON lines"
ORDER: Final = 80

#: What loggers call it in the folder of a run.
NAMES: Final = ("metrics.jsonl", "metrics.json", "log.jsonl", "result.json")
_ENDINGS: Final = (".jsonl", ".ndjson")


def found(path: Path) -> bool:
    file = _file(path)
    return file is not None and (file.suffix in _ENDINGS or _start(file) in (b"{", b"["))


def _file(path: Path) -> Path | None:
    if is_file(path):
        return path
    return next((path / name for name in NAMES if is_file(path / name)), None)


def _start(file: Path) -> bytes:
    return head(file).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]


def read(path: Path) -> Scalars:
    file = _file(path)
    if file is None:
        raise RecordError(f"{shown(path)} is no JSON any more")
    scalars, kept = Scalars(decimal=True), LoggedRows()
    rows = _array(file) if _start(file) == b"[" else _lines(file, scalars)
    for row in rows:
        kept.add_object(row)
        kept.count += 1
    kept.fill(scalars)
    return scalars


def _array(file: Path) -> list[dict[str, Any]]:
    try:
        rows = parsed(content(file))
    except ValueError as error:
        raise RecordError(f"{shown(file)} is no JSON: {shown(error)}") from error
    if not all(isinstance(row, dict) for row in rows):
        raise RecordError(
            f'{shown(file)} is a JSON array, but not one of objects such as {{"step": 1, "loss": 0.5}}'
        )
    return list(rows)


def _lines(file: Path, scalars: Scalars) -> Iterator[dict[str, Any]]:
    """The objects; what is none is counted."""
    wrong: list[int] = []
    good = number = 0
    last = ""
    for number, line in enumerate(lines(file, scalars), 1):
        last = line
        if not line.strip():
            continue
        try:
            row = parsed(line)
        except ValueError:
            row = None
        if isinstance(row, dict):
            good += 1
            yield row
        else:
            wrong.append(number)
    if wrong and not good:
        raise RecordError(
            f'{shown(file)} is no JSON lines: expected an object a line, such as {{"step": 1, "loss": 0.5}}'
        )
    name = shown(file.name)
    if wrong and wrong[-1] == number and not last.endswith("\n"):
        wrong.pop()
        scalars.problems.append(f"{name}: cut off in line {number:,}; the lines before it are shown")
    if wrong:
        scalars.problems.append(
            f"{name}: lines that are no objects are left out: {len(wrong):,}, the first is line {wrong[0]:,}"
        )
    if not number and not scalars.problems:
        scalars.problems.append(f"{name} is empty")
