"""Ways to lose a part of a kept run, each with what a sentence about it has to say.

A cut changes a copy of a run's folder and gives a `Lost`.  The copy is first renamed (folder and run.json),
so that a sentence can say which of the two runs lost something.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from samebits.record import log


@dataclass(frozen=True, slots=True)
class Lost:
    """What was done, and what has to be said: words that must occur, and steps one of which must."""

    what: str
    words: tuple[str, ...] = ()  # regular expressions
    steps: int | None = None  # finished steps that the cut record of the main process still holds


Cut = Callable[[Path, random.Random], Lost | None]  # None: there is nothing to cut in this run


def copy(run: Path, folder: Path, name: str) -> Path:
    """A copy of a run under another id."""
    target = folder / name
    shutil.copytree(run, target)
    change(target, id=name)
    return target


def change(run: Path, **values: object) -> None:
    """Change what run.json says."""
    path = run / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values, indent=1) + "\n")


def _records(run: Path) -> list[Path]:
    return sorted(run.glob("*.db"))


def _logs(run: Path) -> list[Path]:
    return sorted(path for path in run.glob("*.db-wal") if path.stat().st_size)


def _process(record: Path) -> str:
    """A sentence may name the file or the process; `main~0.db` holds the record of main/0."""
    return "|".join(map(re.escape, (record.name, record.stem.replace("~", "/"))))


def _is_child(record: Path) -> bool:
    return "~" in record.stem


def truncated(run: Path, rng: random.Random) -> Lost | None:
    record = rng.choice(_records(run))
    size = rng.randrange(1, record.stat().st_size)
    with open(record, "r+b") as file:
        file.truncate(size)
    return Lost(f"{record.name} cut to {size} bytes", (_process(record),))


def emptied(run: Path, rng: random.Random) -> Lost | None:
    record = rng.choice(_records(run))
    record.write_bytes(b"")
    return Lost(f"{record.name} emptied", (_process(record),))


def log_truncated(run: Path, rng: random.Random) -> Lost | None:
    logs = _logs(run)
    if not logs:
        return None
    path = rng.choice(logs)
    with open(path, "r+b") as file:
        file.truncate(rng.randrange(path.stat().st_size))
    return Lost(f"{path.name} cut")


def log_deleted(run: Path, rng: random.Random) -> Lost | None:
    logs = _logs(run)
    if not logs:
        return None
    path = rng.choice(logs)
    path.unlink()
    return Lost(f"{path.name} deleted")


def process_deleted(run: Path, rng: random.Random) -> Lost | None:
    record = rng.choice(_records(run))
    for path in (record, Path(f"{record}-wal")):
        path.unlink(missing_ok=True)
    return Lost(f"{record.name} deleted", (_process(record),))


def description_deleted(run: Path, rng: random.Random) -> Lost | None:
    (run / "run.json").unlink()
    return Lost("run.json deleted", (r"run\.json",))


def description_truncated(run: Path, rng: random.Random) -> Lost | None:
    path = run / "run.json"
    text = path.read_bytes().rstrip()
    path.write_bytes(text[: rng.randrange(len(text))])
    return Lost("run.json cut", (r"run\.json",))


def launcher_died(run: Path, rng: random.Random) -> Lost | None:
    """As the launcher left run.json when it began."""
    change(run, status="running", exit_code=None, seconds=None)
    info = json.loads((run / "run.json").read_text())
    info.pop("records", None)
    (run / "run.json").write_text(json.dumps(info) + "\n")
    return Lost("run.json as at the beginning", (r"still running|was killed",))


def _shorten(record: Path, rng: random.Random, *, closed: bool) -> int | None:
    """Take the last transactions back as if they had never been: what is left passes every check.

    With ``closed`` the last one left gets the status that the record was closed with.
    """
    connection = sqlite3.connect(record, isolation_level=None)
    try:
        rows = connection.execute("SELECT id, steps, status FROM commits ORDER BY id").fetchall()
        if len(rows) < 3:
            return None
        kept, steps, _ = rows[rng.randrange(1, len(rows) - 1)]
        names = [table.name for table in log.COUNTED]
        counts = connection.execute(
            f"SELECT {', '.join(names)} FROM commits WHERE id = ?", (kept,)
        ).fetchone()
        connection.execute("BEGIN")
        connection.execute("DELETE FROM commits WHERE id > ?", (kept,))
        for name, count in zip(names, counts, strict=True):
            connection.execute(f"DELETE FROM {name} WHERE id > ?", (count,))
        if closed:
            (salt,) = connection.execute("SELECT salt FROM record").fetchone()
            status = rows[-1][2]
            head = log.head("commits", salt, kept, (steps, status, *counts))
            connection.execute("UPDATE commits SET status = ?, head = ? WHERE id = ?", (status, head, kept))
        connection.execute("COMMIT")
        connection.execute("VACUUM")
    finally:
        connection.close()
    return int(steps)


def _ended_early(run: Path, rng: random.Random, *, closed: bool) -> Lost | None:
    record = rng.choice([one for one in _records(run) if not _is_child(one)])
    if Path(f"{record}-wal").exists():
        return None
    before = record.stat().st_size
    steps = _shorten(record, rng, closed=closed)
    if steps is None or (closed and record.stat().st_size == before):  # no trace of it is left
        return None
    what = "with its closing status" if closed else "without a status"
    return Lost(f"{record.name} ends after {steps} steps, {what}", (_process(record),), steps)


def ended_early(run: Path, rng: random.Random) -> Lost | None:
    return _ended_early(run, rng, closed=False)


def ended_early_and_closed(run: Path, rng: random.Random) -> Lost | None:
    return _ended_early(run, rng, closed=True)


CUTS: dict[str, Cut] = {
    "record truncated": truncated,
    "record emptied": emptied,
    "write-ahead log truncated": log_truncated,
    "write-ahead log deleted": log_deleted,
    "process removed": process_deleted,
    "run.json deleted": description_deleted,
    "run.json truncated": description_truncated,
    "launcher died": launcher_died,
    "record ends early": ended_early,
    "record ends early, closed": ended_early_and_closed,
}
