"""Records written event by event, as an observer would: nothing runs, and everything is chosen."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from samebits.model.events import KIND, READ_IN_TURN, STRUCTURE, VOCABULARY
from samebits.model.facts import Detail, Fact
from samebits.record.reader import Record
from samebits.record.run import inventory
from samebits.record.writer import Writer

#: (kind, name, digest), and where they matter flags and a norm.
Told = tuple[Any, ...]


def packed(events: Sequence[Told], numbers: Mapping[str, int]) -> dict[str, bytes]:
    rows = {
        "kind": [KIND[one[0]] for one in events],
        "flags": [one[3] if len(one) > 3 else 0 for one in events],
        "name": [numbers[one[1]] for one in events],
    }
    empty = [0] * len(events)
    return {name: struct.pack(f"<{len(events)}{code}", *rows.get(name, empty)) for name, code in STRUCTURE}


def write(
    path: Path,
    steps: Mapping[int, Sequence[Told]] | Sequence[Sequence[Told]],
    *,
    level: str = "step",
    finished: int | None = None,
    facts: Sequence[tuple[int, Detail]] = (),
    losses: Sequence[float] = (),
    process: str = "main",
    manifest: Mapping[str, Any] | None = None,
) -> Path:
    """A record whose main thread has these events at each step.

    Args:
        finished: how many steps were finished; as many as there are.
        facts: each with its step.
        losses: of the steps 0, 1, ...
    """
    by_step = dict(steps) if isinstance(steps, Mapping) else dict(enumerate(steps))
    writer = Writer(path, process=process, rank=0, manifest=manifest or {}, plan={"level": level})
    writer.note("observer", "native")
    writer.note("vocabulary", VOCABULARY)
    writer.note("schedule", [])
    names = dict.fromkeys(one[1] for events in by_step.values() for one in events)
    numbers = {name: number for number, name in enumerate(names, 1)}
    writer.names((number, name) for name, number in numbers.items())
    for step, events in by_step.items():
        norms = [one[4] if len(one) > 4 else 1.0 for one in events if one[0] in READ_IN_TURN]
        writer.chunk(
            thread=0,
            step=step,
            columns=packed(events, numbers),
            digests=struct.pack(f"<{len(events)}Q", *(one[2] for one in events)),
            norms=struct.pack(f"<{len(norms)}d", *norms) if norms else None,
        )
    writer.facts(Fact(detail, None, step, step) for step, detail in facts)
    for step, value in enumerate(losses):
        writer.loss(step=step, index=0, value=value, bits=struct.pack("<f", value).hex())
    writer.commit(steps=len(by_step) if finished is None else finished)
    writer.finish("finished")
    assert writer.incomplete is None
    return path


def kept(
    folder: Path, steps: Any, *, info: Mapping[str, Any] | None = None, process: str = "main", **more: Any
) -> Path:
    """The folder of a run that finished, with one record in it; its id is the folder's name."""
    write(folder / f"{process}.db", steps, process=process, **more)
    described = {
        "format": "samebits.run", "version": 1, "id": folder.name, "created": "2025-01-02T10:00:00+00:00",
        "argv": ["train.py"], "kind": "script", "status": "finished", "exit_code": 0,
        "records": inventory(folder),
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(described | dict(info or {})), encoding="utf-8")
    return folder


def opened(folder: Path, a: Any, b: Any, **more: Any) -> tuple[Record, Record]:
    """Two records of these steps; `more`: arguments of `write` for both, or a pair of them for each."""
    sides: list[dict[str, Any]] = [{}, {}]
    for key, value in more.items():
        for side, own in zip(sides, value if isinstance(value, tuple) else (value, value), strict=True):
            side[key] = own
    first = write(folder / "a.db", a, **sides[0])
    return Record.open(first), Record.open(write(folder / "b.db", b, **sides[1]))
