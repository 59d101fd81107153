"""Opening what others wrote: only regular files, lines of bounded length, and no question that raises.

A named pipe would wait for ever, a device never end, and a line of a gigabyte fill the memory.
"""

from __future__ import annotations

import codecs
import json
import os
import stat
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, Final

from samebits.errors import RecordError
from samebits.metrics.scalars import Scalars
from samebits.record.store import shown

#: A longer line is no line of a log.
LONGEST: Final = 16 << 20
#: A larger file that has to be parsed as a whole is not.
LARGEST: Final = 256 << 20


def is_file(path: Path) -> bool:
    """Whether it is a regular file; False where that cannot be known."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def listed(folder: Path) -> list[str]:
    """The names in a folder, sorted; none where it cannot be listed."""
    try:
        return sorted(os.listdir(folder))
    except (OSError, ValueError):
        return []


def head(path: Path, size: int = 4096) -> bytes:
    """A regular file's first bytes; none where it cannot be read."""
    try:
        if not is_file(path):
            return b""
        with open(path, "rb") as file:
            return file.read(size)
    except (OSError, ValueError):
        return b""


def opened(path: Path) -> tuple[BinaryIO, int]:
    """A regular file and its size.

    Raises:
        RecordError: it is something else.
        OSError: it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise RecordError(f"{shown(path)} is no regular file")
    return os.fdopen(descriptor, "rb"), found.st_size


def lines(path: Path, scalars: Scalars) -> Iterator[str]:
    """The lines of a text with their ends, which may be LF, CRLF or CR.

    UTF-8, or UTF-16 if a byte order mark says so.  What is no text is spelled out.  A line that is too long
    or holds NULs ends the text with a problem.
    """
    file, _ = opened(path)
    with file:
        mark = file.read(4)
        file.seek(0)
        wide = mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = TextIOWrapper(file, "utf-16" if wide else "utf-8-sig", "backslashreplace", newline="")
        number = 0
        while line := text.readline(LONGEST):
            number += 1
            if len(line) >= LONGEST:
                scalars.problems.append(
                    f"{shown(path.name)}: line {number:,} is too long to be one; read up to it"
                )
                return
            if "\0" in line:
                scalars.problems.append(f"{shown(path.name)}: line {number:,} is no text; read up to it")
                return
            yield line


def content(path: Path) -> bytes:
    """All of a file that is parsed as a whole.

    Raises:
        RecordError: it is too large for that.
    """
    file, _ = opened(path)
    with file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise RecordError(
            f"{shown(path)} is larger than {LARGEST >> 20} MiB, more than samebits parses at once"
        )
    return data


def parsed(text: str | bytes) -> Any:
    """A JSON value.

    Raises:
        ValueError: it is none, or nested too deep.
    """
    zero = "-0" if isinstance(text, str) else b"-0"
    try:
        return json.loads(text, parse_int=_signed if zero in text else None)  # type: ignore[operator]
    except RecursionError:
        raise ValueError("nested too deep") from None


def _signed(digits: str) -> int | float:
    """An integer, but -0 as the float that it was: some loggers write floats without their ".0"."""
    return -0.0 if digits == "-0" else int(digits)
