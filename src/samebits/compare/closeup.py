"""What a verdict tells of the place where runs part, as plain data; and kept beside the runs.

`verify` runs a pair again with every operation around the place recorded.  Those records are large, and
removed where they are too large.  What they showed is small, and is kept in the folder of the first run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from samebits._runtime.whole import write_whole
from samebits.compare.around import AlignedEvents, around
from samebits.compare.verdict import Verdict
from samebits.model.events import Event
from samebits.record.run import Run

FORMAT: Final = "samebits.closeup"
VERSION: Final = 1
NAME: Final = "closeup.json"
_LARGEST: Final = 4 << 20  # bytes
_AROUND: Final = 5  # lines of source on each side
_INPUTS: Final = {True: "agree", False: "differ", None: "not recorded"}


def told(verdict: Verdict) -> dict[str, Any]:
    """The keys of a report's document (docs/reference/report.md) that are about the place."""
    first, place, document = verdict.first, verdict.divergence, verdict.as_json()
    return {
        "headline": verdict.headline,
        "rests_on": verdict.compared,
        "first": None
        if first is None
        else {
            **first.as_json(),
            "source": _source(verdict.sources, first.file, first.line),
            "inputs": _INPUTS[None if place is None else place.inputs_equal],
            "differs": first.differs,
        },
        "causes": [
            {**cause, "source": _source(verdict.sources, cause["file"], cause["line"])}
            for cause in document["causes"]
        ],
        "operations": [] if place is None else [_row(row) for row in around(place)],
        "environment": document["environment"],
        "notes": [*verdict.notes, *filter(None, (verdict.reason, verdict.unexplained))],
    }


def keep(verdict: Verdict, folder: Path) -> None:
    """Keep what is told in the folder of a run; where it cannot be written, it is not kept."""
    text = json.dumps({"format": FORMAT, "version": VERSION, **told(verdict)}, allow_nan=False, default=str)
    try:
        write_whole(folder / NAME, text.encode(), mode=0o600)
    except (OSError, ValueError):
        return


def of(verdict: Verdict, runs: Sequence[Run]) -> dict[str, Any] | None:
    """What was told of the place when these runs were verified; None where they were not, or agree.

    Args:
        verdict: over the runs as they lie there.
    """
    series = {run.info.get("verify") for run in runs}
    if verdict.verdict != "diverged" or len(series) != 1 or None in series:
        return None
    return _kept(runs[0].path)


def _kept(folder: Path) -> dict[str, Any] | None:
    """What was kept there; None where there is nothing, or nothing that can be read."""
    path = folder / NAME
    try:
        if path.stat().st_size > _LARGEST:
            return None
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or (found.get("format"), found.get("version")) != (FORMAT, VERSION):
        return None
    kinds = {name: type(value) for name, value in told(Verdict("diverged", ())).items() if name != "first"}
    shape_is_right = all(isinstance(found.get(name), kind) for name, kind in kinds.items())
    if not shape_is_right or not isinstance(found.get("first"), dict):
        return None
    return {name: found[name] for name in (*kinds, "first")}


def _source(sources: Mapping[str, str], file: str | None, line: int | None) -> dict[str, Any] | None:
    """Some lines of a user's file, if a record kept it."""
    text = sources.get(file) if file else None
    if text is None or line is None:
        return None
    lines = text.split("\n")
    if not 0 < line <= len(lines):
        return None
    start = max(0, line - 1 - _AROUND)
    return {"file": file, "start": start + 1, "line": line, "text": "\n".join(lines[start : line + _AROUND])}


def _row(row: AlignedEvents) -> dict[str, Any]:
    return {"a": _event(row.a), "b": _event(row.b), "same": row.same, "first": row.first}


def _event(event: Event | None) -> dict[str, Any] | None:
    if event is None:
        return None
    return {
        "index": event.index,
        "step": event.step,
        "phase": event.phase,
        "name": event.name if event.kind in ("op", "read", "generator") else f"{event.kind} {event.name}",
        "file": event.site.file if event.site else None,
        "line": event.site.line if event.site else None,
        "module": event.module,
        "digest": f"{event.digest:016x}",
        "inputs": f"{event.inputs:016x}" if event.inputs else None,
    }
