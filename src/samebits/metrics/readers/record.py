"""A run that samebits recorded: the losses of its main process, exact to the bit."""

from __future__ import annotations

from math import nan
from pathlib import Path
from typing import Final

from samebits.errors import RecordError
from samebits.metrics.readers._files import head, is_file
from samebits.metrics.scalars import LARGEST_STEP, Scalars
from samebits.record.reader import Record
from samebits.record.run import FORMAT, Run
from samebits.record.store import shown

KIND: Final = "record"
ORDER: Final = 10

#: Whose losses they are: a program's own, or the first rank's.
_PROCESSES: Final = ("main", "rank0")


def found(path: Path) -> bool:
    if any(is_file(path / f"{process}.db") for process in _PROCESSES):
        return True
    return FORMAT.encode() in head(path / "run.json")


def read(path: Path) -> Scalars:
    scalars = Scalars()
    with Run.open(path) as run:
        for process in _PROCESSES:
            if process in run.records:
                _losses(run.records[process], scalars)
                return scalars
        known = ", ".join(shown(process) for process in sorted(run.records)) or "no process"
        raise RecordError(f"{shown(path)} has records of {known}; the losses are in main's or rank0's")


def _losses(record: Record, scalars: Scalars) -> None:
    losses = record.losses()
    for loss in losses:
        if loss.step > LARGEST_STEP:
            raise RecordError(f"{shown(record.path)} has a loss at step {loss.step}")
        scalars.add("loss", loss.step, nan if loss.value is None else loss.value)
    if losses:
        scalars.set_dtype("loss", "float64" if any(len(loss.bits) == 16 for loss in losses) else "float32")
    if (why := record.notes.get("incomplete")) is not None:
        scalars.problems.append(f"{shown(record.process)} was not recorded to its end: {shown(why)}")
