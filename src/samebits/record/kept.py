"""What is kept on disk: adding to a run's description, its size, and removing runs, never anything else.

A folder is removed only if it is one that samebits made: a real folder, not a link, that holds a run.json of
samebits or a record with samebits' mark in its header.  Links inside are removed as links; what they point to
is never looked at.  The run.json goes last, so that a removal that was cut short can be repeated.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from samebits._runtime.whole import write_whole
from samebits.errors import RecordError, UsageError
from samebits.record.log import APPLICATION_ID
from samebits.record.run import FORMAT, LARGEST_INFO, RunInfo
from samebits.record.store import shown

_SQLITE: Final = b"SQLite format 3\0"
_ID_AT: Final = 68  # of the application id: https://www.sqlite.org/fileformat2.html#the_database_header


def note(folder: Path, **values: Any) -> None:
    """Add keys to a run's run.json, in one step; a run without a readable one stays as it is."""
    path = folder / "run.json"
    try:
        if path.is_symlink() or path.stat().st_size > LARGEST_INFO:
            return
        info = json.loads(path.read_bytes())
        if not isinstance(info, dict) or info.get("format") != FORMAT:
            return
        text = json.dumps(info | values, indent=1, default=str)
        write_whole(path, f"{text}\n".encode(), mode=stat.S_IMODE(path.stat().st_mode))
    except (OSError, ValueError, RecursionError):  # a disk that is full spoils no verdict
        return


def size_of(folder: Path) -> int:
    """Bytes of the files of a run; what cannot be read counts nothing, and no link is followed."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                pass
    return total


def steps_of(folder: Path) -> int | None:
    """The finished optimizer steps, as the run counted them last; None: it did not."""
    try:
        with open(folder / "progress", "rb") as file:
            count = file.read(8)
    except OSError:
        return None
    return int.from_bytes(count, "little") if len(count) == 8 else None


def age_of(run: RunInfo, now: datetime) -> float:
    """Seconds since a run began; of one without an end, since it wrote last."""
    began = moment(run.created)
    if run.status in ("running", "unknown") or began is None:
        try:
            last = max(entry.stat(follow_symlinks=False).st_mtime for entry in list(os.scandir(run.path)))
        except (OSError, ValueError):
            last = now.timestamp()
        return now.timestamp() - last
    return (now - began).total_seconds()


def moment(text: str) -> datetime | None:
    """A run's ISO time, or None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def superfluous(
    runs: Sequence[RunInfo],
    *,
    older: float | None,
    keep: int | None,
    size: int | None,
    now: datetime,
) -> list[RunInfo]:
    """The runs to remove, oldest last; `runs` are newest first.

    The newest `keep` always stay.  Of the others go those older than `older` seconds, and the oldest until
    all runs together have at most `size` bytes; all others if neither is given.  A run under way stays.
    """
    others = [
        run
        for run in runs[keep or 0 :]
        if not run.path.is_symlink() and not (run.status == "running" and age_of(run, now) < 86400)
    ]
    if older is None and size is None:
        return others
    gone = [run for run in others if older is not None and age_of(run, now) > older]
    if size is not None:
        left = sum(size_of(run.path) for run in runs if run not in gone)
        for run in reversed(others):
            if left <= size:
                break
            if run not in gone:
                left -= size_of(run.path)
                gone.append(run)
    return [run for run in others if run in gone]


def remove(folder: Path) -> int:
    """Remove a run's folder with all that is in it, and return how many bytes that were.

    Raises:
        UsageError: it is no run of samebits, or a folder that holds more; nothing was removed.
        RecordError: something in it could not be removed.
    """
    if (why := refusal(folder)) is not None:
        raise UsageError(f"{shown(folder)} is not removed: {why}.")
    total = size_of(folder)
    try:
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name == "run.json"):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)  # which follows no link, whatever changes meanwhile
            else:
                os.unlink(entry.path)
        os.rmdir(folder)
    except OSError as error:
        raise RecordError(
            f"{shown(folder)} could not be removed wholly: {shown(error.strerror or error)}"
        ) from error
    return total


def refusal(folder: Path) -> str | None:
    """Why a folder is not one to remove; None: it is a run of samebits."""
    try:
        if folder.is_symlink():
            return "it is a link; name the run that it points to"
        if not folder.is_dir():
            return "there is no such folder"
        whole = folder.resolve()
        if whole == Path.cwd() or whole in Path.cwd().parents:
            return "it is the working folder, or holds it"
        if os.path.ismount(folder) or (folder / ".git").exists():
            return "it is a volume or a repository, not only a run"
        if not _is_ours(folder):
            return "it is not a run of samebits"
        for entry in list(os.scandir(folder)):
            if entry.is_dir(follow_symlinks=False) and _is_ours(Path(entry.path)):
                return f"it holds other runs, such as {shown(entry.name)}; remove these by their names"
    except OSError as error:
        return shown(error.strerror or error)
    return None


def _is_ours(folder: Path) -> bool:
    """Whether samebits wrote here: run.json says so, or a record's header; also where one is damaged."""
    path = folder / "run.json"
    if path.is_file() and not path.is_symlink():
        with open(path, "rb") as file:
            text = file.read(LARGEST_INFO)
        try:
            info = json.loads(text)
        except (ValueError, RecursionError):  # cut short
            if b'"samebits.run"' in text[:4096]:
                return True
        else:
            return isinstance(info, dict) and info.get("format") == FORMAT
    for entry in list(os.scandir(folder)):
        if entry.name.endswith(".db") and entry.is_file(follow_symlinks=False):
            with open(entry.path, "rb") as file:
                head = file.read(_ID_AT + 4)
            if head.startswith(_SQLITE) and head[_ID_AT:] == struct.pack(">I", APPLICATION_ID):
                return True
    return False
