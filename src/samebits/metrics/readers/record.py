"""A run that samebits recorded: the losses of its main process, exact to the bit, and its gradients' norm.

A norm is given as a float32: the two observers add in different orders, which changes the last bits of a
float64.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from samebits.errors import RecordError
from samebits.metrics.readers._files import head, is_file
from samebits.metrics.scalars import LARGEST_STEP, Scalars
from samebits.metrics.series import LOSS, NORM
from samebits.model.events import KIND as KIND_OF
from samebits.model.events import KINDS, PARTIAL, READ_IN_TURN
from samebits.record.reader import Record
from samebits.record.run import FORMAT, LOSSES_OF, Run
from samebits.record.store import shown
from samebits.record.structure import Columns
from samebits.record.values import norms

KIND: Final = "record"
ORDER: Final = 10


def found(path: Path) -> bool:
    if any(is_file(path / f"{process}.db") for process in LOSSES_OF):
        return True
    return FORMAT.encode() in head(path / "run.json")


def read(path: Path) -> Scalars:
    scalars = Scalars()
    with Run.open(path) as run:
        there = [run.records[process] for process in LOSSES_OF if process in run.records]
        if there:
            record = next((one for one in there if one.losses(1)), there[0])
            _losses(record, scalars)
            _norms(record, scalars)
            return scalars
        known = ", ".join(shown(process) for process in sorted(run.records)) or "no process"
        raise RecordError(f"{shown(path)} has records of {known}; the losses are in main's or rank0's")


def _losses(record: Record, scalars: Scalars) -> None:
    losses = record.losses()
    names: dict[int, str] = _names(record)
    wide: set[str] = set()
    untold = len(losses) > 1 and not any(
        loss.step for loss in losses
    )  # trained without an optimizer of torch's
    scalars.axis = "row" if untold else "step"
    for number, loss in enumerate(losses):
        if loss.step > LARGEST_STEP:
            raise RecordError(f"{shown(record.path)} has a loss at step {loss.step}")
        name = names.get(loss.index, LOSS)
        scalars.add(name, number if untold else loss.step, math.nan if loss.value is None else loss.value)
        if len(loss.bits) == 16:
            wide.add(name)
    for name in scalars.names():
        scalars.set_dtype(name, "float64" if name in wide else "float32")
    if (why := record.notes.get("incomplete")) is not None:
        scalars.problems.append(f"{shown(record.process)} was not recorded to its end: {shown(why)}")


def _names(record: Record) -> dict[int, str]:
    """What a loss is called, by the number of its event, where a program has several.

    Of a generator and a discriminator, say: each has a backward() on a line of its own, which names it.
    """
    lines: dict[int, dict[int, int]] = {}  # structure -> offset of each loss -> the number of its line
    places: dict[int, int] = {}
    for chunk in record.chunks(0):
        if chunk.structure not in lines:
            columns = record.columns(chunk.structure)
            lines[chunk.structure] = {
                offset: columns.site[offset]
                for offset, kind in enumerate(columns.kind)
                if kind == KIND_OF["loss"]
            }
        places.update((chunk.start + offset, site) for offset, site in lines[chunk.structure].items())
    sites = {number: record.site(number) for number in set(places.values())}
    if len(sites) < 2:
        return {}
    named = {number: f"{LOSS} {site.file}:{site.line}" for number, site in sites.items() if site is not None}
    return {at: named[number] for at, number in places.items() if number in named}


def _norms(record: Record, scalars: Scalars) -> None:
    """The 2-norm of all gradients of an optimizer together, at each step at which all were read."""
    held: dict[int, list[tuple[int, int]]] = {}  # structure -> (name, place among its norms) of what was read
    for chunk in record.chunks(0):
        if chunk.structure not in held:
            held[chunk.structure] = _gradients(record.columns(chunk.structure))
    names = _groups(record, held.values())
    schedule = [pair for pair in record.notes.get("schedule") or () if isinstance(pair, list)]
    for chunk in record.chunks(0):
        found = held[chunk.structure]
        stride = next((n for since, n in reversed(schedule) if since <= chunk.step), 1)
        if not found or chunk.step % stride:
            continue  # nothing was read, or some in turn
        read = norms(record, chunk)
        squares = [read[at] * read[at] for _, at in found]
        if not any(map(math.isnan, squares)):
            name = names[found[0][0]]
            scalars.add(name, min(chunk.step, LARGEST_STEP), _float32(math.sqrt(math.fsum(squares))))
            scalars.set_dtype(name, "float32")
            scalars.sampled.add(name)


def _groups(record: Record, read: Iterable[list[tuple[int, int]]]) -> dict[int, str]:
    """What the norm of a gradient counts to, by the number of the gradient's name.

    Gradients that are read together are of one optimizer.  Those of a generator and a discriminator are not.
    """
    group: dict[int, int] = {}  # name -> the first name that is of the same optimizer
    for found in read:
        numbers = [name for name, _ in found]
        known = {group[name] for name in numbers if name in group}
        if numbers:
            least = min(known or numbers)
            group.update((name, least) for name in numbers)
            group.update((name, least) for name, other in group.items() if other in known)
    if len(set(group.values())) < 2:
        return dict.fromkeys(group, NORM)
    return {name: f"{NORM} {record.name(first).partition('.')[0]}" for name, first in group.items()}


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
