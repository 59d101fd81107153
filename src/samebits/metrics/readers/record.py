"""A run that samebits recorded: the losses of its main process, exact to the bit, and its gradients' norm.

A norm is given as a float32: the two observers add in different orders, which changes the last bits of a
float64.  Where gradients are read in turn, each counts as it was last read.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Final

from samebits.errors import RecordError
from samebits.metrics.readers._files import head, is_file
from samebits.metrics.scalars import LARGEST_STEP, Scalars
from samebits.model.events import KIND as KIND_OF
from samebits.model.events import KINDS, PARTIAL, READ_IN_TURN
from samebits.record.reader import Record
from samebits.record.run import FORMAT, Run
from samebits.record.store import shown
from samebits.record.structure import Columns

KIND: Final = "record"
ORDER: Final = 10

#: The metric that the norms make.
NORM: Final = "gradient norm"
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
                _norms(run.records[process], scalars)
                return scalars
        known = ", ".join(shown(process) for process in sorted(run.records)) or "no process"
        raise RecordError(f"{shown(path)} has records of {known}; the losses are in main's or rank0's")


def _losses(record: Record, scalars: Scalars) -> None:
    losses = record.losses()
    for loss in losses:
        if loss.step > LARGEST_STEP:
            raise RecordError(f"{shown(record.path)} has a loss at step {loss.step}")
        scalars.add("loss", loss.step, math.nan if loss.value is None else loss.value)
    if losses:
        scalars.set_dtype("loss", "float64" if any(len(loss.bits) == 16 for loss in losses) else "float32")
    if (why := record.notes.get("incomplete")) is not None:
        scalars.problems.append(f"{shown(record.process)} was not recorded to its end: {shown(why)}")


def _norms(record: Record, scalars: Scalars) -> None:
    """The 2-norm of all gradients together, at each step that read any."""
    known: dict[int, float] = {}  # number of the tensor's name -> its square
    held: dict[int, list[tuple[int, int]]] = {}  # structure -> (name, place among its norms) of what was read
    for chunk in record.chunks(0):
        if chunk.structure not in held:
            held[chunk.structure] = _gradients(record.columns(chunk.structure))
        if held[chunk.structure]:
            norms = record.norms(chunk)
            known.update((name, norms[at] * norms[at]) for name, at in held[chunk.structure])
            total = (
                math.sqrt(math.fsum(known.values())) if all(map(math.isfinite, known.values())) else math.nan
            )
            if not math.isnan(total):
                scalars.add(NORM, min(chunk.step, LARGEST_STEP), _float32(total))
    scalars.set_dtype(NORM, "float32")


def _gradients(columns: Columns) -> list[tuple[int, int]]:
    found, at = [], 0
    for kind, name, flags in zip(columns.kind, columns.name, columns.flags, strict=True):
        if kind == KIND_OF["gradient"] and not flags & PARTIAL:
            found.append((name, at))
        at += KINDS[kind] in READ_IN_TURN
    return found


def _float32(value: float) -> float:
    try:
        (rounded,) = struct.unpack("<f", struct.pack("<f", value))
    except OverflowError:
        return math.inf
    return float(rounded)
