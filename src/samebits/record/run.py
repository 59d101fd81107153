"""Reads a run: the records of all its processes (reader.py), and finds one by what a person types.

run.json is written by the launcher and describes the run; it may be missing or
cut short (the launcher was killed), and the records are readable all the same.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from samebits._runtime.markup import card
from samebits.errors import RecordError
from samebits.record import fields
from samebits.record.reader import Record
from samebits.record.store import shown

FORMAT: Final = "samebits.run"
VERSION: Final = 1
#: Whose losses are a run's: a program's own, or, where that only starts ranks, the first rank's.
LOSSES_OF: Final = ("main", "rank0")
LARGEST_INFO: Final = 4 << 20
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One kept run, as a list shows it."""

    id: str
    path: Path
    created: str  # ISO, UTC
    status: str
    argv: tuple[str, ...]
    info: dict[str, Any]  # run.json, {} where it is missing or damaged


class Run:
    """The records of one run by process key, and what run.json says."""

    def __init__(self, directory: Path, info: dict[str, Any], records: dict[str, Record]) -> None:
        self.path = directory
        self.id = _id(directory, info)
        self.info = info
        self.records = records
        self.sizes = {row["file"]: (row["bytes"], row["log"]) for row in inventory(directory)}
        self.unmade = tuple(file.stem for file in _files(directory, ".db.part"))

    @classmethod
    def open(cls, directory: Path) -> Run:
        """The run in ``directory``.

        Raises:
            RecordError: there is none, or one of its records cannot be read.
        """
        directory = Path(directory)
        files = _files(directory)
        try:
            info = _info(directory)
        except RecordError:
            if not files:
                raise
            info = {}
        records: dict[str, Record] = {}
        try:
            for file in files:
                record = Record.open(file)
                if record.process in records:
                    record.close()
                    raise RecordError(f"{shown(directory)} holds two records of {shown(record.process)}")
                records[record.process] = record
        except BaseException:
            for record in records.values():
                record.close()
            raise
        return cls(directory, info, records)

    def _repr_html_(self) -> str:
        """For notebooks."""
        argv, code = self.info.get("argv"), self.info.get("exit_code")
        rows: list[tuple[str, object]] = [
            ("command", " ".join(map(str, argv)) if isinstance(argv, list) else "?"),
            ("created", self.info.get("created") or "?"),
            ("ended", f"{self.info.get('status') or '?'}" + ("" if code is None else f", exit code {code}")),
        ]
        for key, record in sorted(self.records.items()):
            rows.append((key, f"{record.steps:,} steps, {record.events_total:,} events, {record.status}"))
        return card("run", self.id, [*rows, ("in", self.path)])

    def close(self) -> None:
        for record in self.records.values():
            record.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def inventory(directory: Path) -> list[dict[str, Any]]:
    """The record files of a run with their sizes, as run.json lists them once the run has ended.

    A reader that finds one missing, or of another size, knows that it is not what the run left.
    """
    rows = []
    for file in _files(directory):
        try:
            size = file.stat().st_size
        except OSError:  # removed meanwhile
            continue
        try:
            log = Path(f"{file}-wal").stat().st_size
        except OSError:
            log = 0
        rows.append({"file": file.name, "bytes": size, "log": log})
    return rows


def find_run(out: Path, text: str) -> Path:
    """The directory of a run: a run's directory, one that holds a single run, an id or its beginning.

    Raises:
        RecordError: there is no such run, or there are several.
    """
    try:
        if text and is_run(Path(text)):
            return Path(text)
        if text and Path(text).is_dir() and len(inside := list_runs(Path(text))) == 1:
            return inside[0].path
    except (OSError, ValueError):
        pass
    ids = [info.path.name for info in list_runs(out)]
    found = [text] if text in ids else sorted(name for name in ids if text and name.startswith(text))
    if len(found) == 1:
        return Path(out) / found[0]
    if not found:
        known = f"`samebits runs` lists the {len(ids)} there are" if ids else "there are no runs there yet"
        raise RecordError(f"no run {shown(text)!r} in {shown(out)}; {known}")
    some = ", ".join(shown(name) for name in found[:5]) + (", ..." if len(found) > 5 else "")
    raise RecordError(
        f"{shown(text)!r} is the beginning of {len(found)} runs in {shown(out)}: {some}; give more"
    )


def list_runs(out: Path) -> list[RunInfo]:
    """The runs kept in ``out``, newest first; none where there is no such directory."""
    found = []
    try:
        entries = [Path(entry.path) for entry in os.scandir(out) if entry.is_dir()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise RecordError(f"cannot list the runs in {shown(out)}: {shown(error)}") from error
    for path in entries:
        try:
            if not is_run(path):
                continue
            changed = path.stat().st_mtime
        except OSError:  # removed or hidden meanwhile
            continue
        try:
            info = _info(path)
        except RecordError:
            info = {}
        created = info.get("created")
        if not isinstance(created, str):
            created = datetime.fromtimestamp(changed, UTC).isoformat()
        status = info.get("status")
        argv = info.get("argv")
        found.append(
            RunInfo(
                id=_id(path, info),
                path=path,
                created=created,
                status=status if isinstance(status, str) else "unknown",
                argv=tuple(map(str, argv)) if isinstance(argv, list) else (),
                info=info,
            )
        )
    return sorted(found, key=lambda run: (run.created, run.path.name), reverse=True)


def is_run(directory: Path) -> bool:
    """Whether a folder holds a run."""
    return directory.is_dir() and ((directory / "run.json").is_file() or any(directory.glob("*.db")))


def _files(directory: Path, ending: str = ".db") -> list[Path]:
    try:
        return sorted(Path(entry.path) for entry in os.scandir(directory) if entry.name.endswith(ending))
    except FileNotFoundError:
        raise RecordError(f"there is no run {shown(directory)}") from None
    except (OSError, ValueError) as error:
        raise RecordError(f"cannot read the run {shown(directory)}: {shown(error)}") from error


def _info(directory: Path) -> dict[str, Any]:
    """What run.json says, checked as far as its format."""
    path = directory / "run.json"
    try:
        if not path.is_file():
            raise RecordError(f"{shown(directory)} is not a run: it has neither run.json nor records")
        with open(path, "rb") as file:
            text = file.read(LARGEST_INFO + 1)
        info = fields.parsed(text) if len(text) <= LARGEST_INFO else None
    except (OSError, ValueError) as error:
        raise RecordError(f"cannot read {shown(path)}: {shown(error)}") from error
    if not isinstance(info, dict) or info.get("format") != FORMAT:
        raise RecordError(f"{shown(path)} does not describe a run of samebits")
    version = info.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise RecordError(f"{shown(path)} has version {shown(version)}, this samebits reads up to {VERSION}")
    if (name := fields.wrong(info, fields.RUN)) is not None:
        raise RecordError(f"{shown(path)} has {shown(info[name])} as its {name}")
    return info


def _id(directory: Path, info: dict[str, Any]) -> str:
    """The id run.json gives, where it is one: it may be printed and end up in a path."""
    text = info.get("id")
    if isinstance(text, str) and _ID.fullmatch(text):
        return text
    return directory.resolve().name
