"""Kept runs, as commands name and describe them: completed ids, ages, sizes, and the document of one run."""

from __future__ import annotations

import math
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

_SOME: Final = 48  # losses of a list
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def run_id(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The ids of kept runs that begin so, for the shell; else files."""
    from samebits.errors import SamebitsError
    from samebits.record.run import list_runs

    try:
        found = list_runs(ctx.params.get("out") or Path(".samebits"))
    except SamebitsError:
        found = []
    rows = [
        CompletionItem(run.path.name, help=_plain(f"{run.status}  {' '.join(run.argv)}"))
        for run in found
        if run.path.name.startswith(incomplete) and run.path.name == _plain(run.path.name)
    ]
    return rows or [CompletionItem(incomplete, type="dir")]


def place(out: Path, text: str) -> tuple[Path, bool]:
    """Where a run or a log is, by what a person typed, and whether it is a record.

    Raises:
        RecordError: there is nothing of that name.
    """
    from samebits.errors import RecordError
    from samebits.record.run import find_run
    from samebits.record.store import shown

    try:
        found = find_run(out, text)
        begins = found.parent == Path(out) and found.name != text and found.name.startswith(text)
        if begins and Path(text).exists():  # what is there goes before the beginning of an id
            return Path(text), False
        return found, True
    except RecordError:
        try:
            if text and os.lstat(text):
                return Path(text), False
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            raise RecordError(f"cannot read {shown(text)!r}: {shown(error)}") from None
        if os.sep in text or "." in text:  # no id looks like that
            raise RecordError(
                f"there is no file or folder {shown(text)!r}, and no run of that name"
            ) from None
        raise


def verified(out: Path) -> tuple[str, ...]:
    """The runs of the last verification in a folder, without those that were run again around a place.

    Raises:
        RecordError: there is none.
    """
    from samebits.errors import RecordError
    from samebits.record.run import list_runs

    runs = [run for run in list_runs(out) if run.info.get("verify") is not None]
    if not runs:
        raise RecordError(f"no verification is kept in {out}; give two runs or logs: samebits report A B")
    last = runs[0].info["verify"]
    found = [run.path.name for run in runs if run.info["verify"] == last and run.info.get("zoom") is None]
    return tuple(reversed(found))


def _plain(text: str) -> str:
    """What a shell's completion can carry: one line, and nothing that a terminal acts upon."""
    return "".join(character for character in text if character.isprintable())[:80]


class Age(click.ParamType):  # type: ignore[type-arg]
    """`90s`, `30m`, `12h`, `7d`, `2w`: seconds."""

    name = "age"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhdw])", str(value))
        if match is None:
            self.fail(f"{value!r} is no age; give a number with s, m, h, d or w, such as 7d.", param, ctx)
        return float(match[1]) * _UNITS[match[2]]


class SizeParameter(click.ParamType):  # type: ignore[type-arg]
    """`500MB`, `2GB`, `1.5T`: bytes, thousands of them as disks are sold."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,9})?)([kmgt]?)b?", str(value).lower())
        if match is None:
            self.fail(f"{value!r} is no size; give a number with kB, MB, GB or TB, such as 2GB.", param, ctx)
        return int(float(match[1]) * _BYTES[match[2]])


def summary(run: Any, now: datetime) -> dict[str, Any]:
    """One kept run, as a list shows it: plain data."""
    from samebits.record.kept import age_of, size_of, steps_of

    verdict = run.info.get("verdict")
    return {
        "id": run.path.name,
        "created": run.created,
        "age": round(max(0.0, age_of(run, now))),
        "status": run.status,
        "argv": list(run.argv),
        "level": run.info.get("level"),
        "steps": steps_of(run.path),
        "bytes": size_of(run.path),
        "losses": _losses(run.path),
        "verify": run.info.get("verify"),
        "verdict": verdict if isinstance(verdict, str) else None,
    }


def _losses(folder: Path) -> list[float | None]:
    """Some losses over the whole run; None where one is no number."""
    from samebits.errors import RecordError
    from samebits.record.reader import Record
    from samebits.record.run import LOSSES_OF

    for process in LOSSES_OF:
        if (file := folder / f"{process}.db").is_file():
            try:
                if _busy(file):
                    break
                with Record.open(file) as record:
                    if losses := [loss.value for loss in record.losses(_SOME)]:
                        return [one if one is not None and math.isfinite(one) else None for one in losses]
            except RecordError:
                break
    return []


def _busy(file: Path) -> bool:
    """Whether a process still writes the record, which would have to be copied to be read."""
    try:
        return Path(f"{file}-wal").stat().st_size > 0
    except OSError:
        return False


def described(folder: Path) -> dict[str, Any]:
    """All about one kept run, as `samebits show` and `record --json` say it; also of a damaged one."""
    from samebits.errors import RecordError
    from samebits.record.kept import size_of
    from samebits.record.reader import Record
    from samebits.record.run import list_runs

    found = next((run for run in list_runs(folder.parent) if run.path.name == folder.name), None)
    if found is None:
        raise RecordError(f"there is no run {str(folder)!r} any more")
    processes: list[dict[str, Any]] = []
    manifest: dict[str, Any] = {}
    plan: dict[str, Any] = {}
    for file in sorted(folder.glob("*.db")):
        row: dict[str, Any] = {"file": file.name, "bytes": file.lstat().st_size}
        try:
            with Record.open(file) as record:
                row |= {
                    "process": record.process,
                    "rank": record.rank,
                    "status": record.status,
                    "steps": record.steps,
                    "events": record.events_total,
                    "observer": record.notes.get("observer"),
                    "schedule": record.notes.get("schedule"),
                    "error": record.notes.get("incomplete"),
                }
                if not manifest or record.process == "main":
                    manifest, plan = record.manifest, record.plan
        except RecordError as error:
            row["error"] = str(error)
        processes.append(row)
    info = {key: value for key, value in found.info.items() if key not in ("format", "version", "id")}
    return {
        "format": "samebits.show",
        "version": 1,
        **summary(found, datetime.now(UTC)),
        "path": str(folder.absolute()),
        "info": info,
        "processes": processes,
        "plan": plan,
        "manifest": manifest,
        "files": {file.name: file.lstat().st_size for file in sorted(folder.iterdir()) if not file.is_dir()},
        "total_bytes": size_of(folder),
    }
