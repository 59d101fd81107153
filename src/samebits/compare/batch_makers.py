"""Where a batch that differs was made: in the loader's workers, each a process with a record of its own.

What workers compute decides no verdict, since the system schedules them; but once a batch differs, the
first operation of a worker that differs is where it came from.
"""

from __future__ import annotations

from dataclasses import replace

from samebits.compare.align import mismatches
from samebits.compare.describe import divergence_at
from samebits.compare.threads import EventStream, RunLike
from samebits.model.divergence import Divergence
from samebits.model.events import Event


def made_in(run_a: RunLike, run_b: RunLike, divergence: Divergence) -> Divergence:
    """The divergence inside a worker that made the batch, or the batch's own where none is seen."""
    if divergence.event.kind != "batch" or divergence.change != "value":
        return divergence
    found: list[Divergence] = []
    for key in sorted(run_a.records.keys() & run_b.records.keys()):
        if not key.startswith(f"{divergence.process}/"):
            continue
        a, b = EventStream(run_a.records[key], 0), EventStream(run_b.records[key], 0)
        mismatch = next(mismatches(a, b), None)
        if mismatch is not None and mismatch.change == "value":
            found.append(replace(divergence_at(a, b, mismatch), process=key, step=divergence.step))
    if not found:
        return divergence
    first = min(found, key=lambda each: each.event.index)
    return replace(first, a=_of_data(first.a), b=_of_data(first.b))


def _of_data(event: Event | None) -> Event | None:
    return None if event is None else replace(event, phase="data")
