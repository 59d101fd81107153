"""Opens the log of one run, whatever wrote it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from samebits.errors import RecordError
from samebits.metrics.readers import LogReader, readers
from samebits.metrics.series import MetricLog
from samebits.metrics.timing import measures_time
from samebits.record.store import shown

#: How far a folder is searched for the one run in it.
_DEPTH: Final = 4
_ENTRIES: Final = 20_000
_LISTED: Final = 10


def open_log(path: Path, *, name: str | None = None) -> MetricLog:
    """What one run logged.

    Args:
        path: a file, or the folder of a run.  A folder that holds one run somewhere below it will do.
        name: as it is shown; the path by default.

    Raises:
        RecordError: there is no log, there are several, or it cannot be read.
    """
    path = Path(path)
    reader, place = _find(path)
    try:
        scalars = reader.read(place)
    except (OSError, ValueError) as error:
        raise RecordError(f"cannot read {shown(place)}: {shown(error)}") from error
    names = scalars.names()
    return MetricLog(
        name=str(path) if name is None else name,
        path=place,
        kind=reader.KIND,
        series={name: scalars.series(name) for name in names if not measures_time(name)},
        timing=tuple(name for name in names if measures_time(name)),
        problems=tuple(scalars.problems),
        notes=tuple(scalars.notes),
    )


def _find(path: Path) -> tuple[LogReader, Path]:
    """What reads the log, and where in the folder it is."""
    if (reader := _reader(path)) is not None:
        return reader, path
    try:
        if path.stat() and path.is_dir():
            os.scandir(path).close()  # raises where it may not be listed
        found = list(_below(path))
    except (OSError, ValueError) as error:  # a ValueError: a NUL in the path
        raise RecordError(f"cannot read {shown(path)}: {shown(error)}") from error
    if len(found) == 1:
        return found[0]
    if not found:
        kinds = ", ".join(dict.fromkeys(reader.KIND for reader in readers()))
        raise RecordError(
            f"{shown(path)} is no log that samebits can read; give the file or folder of one run, of one of"
            f" these kinds: {kinds}"
        )
    some = ", ".join(shown(place) for _, place in found[:_LISTED])
    more = f" and {len(found) - _LISTED:,} more" if len(found) > _LISTED else ""
    raise RecordError(f"{shown(path)} holds {len(found):,} runs; give one of them: {some}{more}")


def _reader(path: Path) -> LogReader | None:
    return next((reader for reader in readers() if reader.found(path)), None)


def _below(folder: Path) -> Iterator[tuple[LogReader, Path]]:
    """The runs below a folder, in the order of their names.

    Links are not followed: what they name is mostly there as well, as with wandb's `latest-run`.
    """
    left = _ENTRIES

    def walk(folder: Path, depth: int) -> Iterator[tuple[LogReader, Path]]:
        nonlocal left
        try:
            with os.scandir(folder) as entries:
                inside = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        except OSError:  # not ours to read
            return
        for name in inside:
            left -= 1
            if left < 0:
                return
            if (reader := _reader(folder / name)) is not None:
                yield reader, folder / name
            elif depth > 1:
                yield from walk(folder / name, depth - 1)

    return walk(folder, _DEPTH)
