"""Which operations a run made that PyTorch has no deterministic kernel for, or not by default."""

from __future__ import annotations

from typing import Final

from samebits.compare.threads import RunLike
from samebits.model.operators import has_other_name, is_nondeterministic, table_name

#: Events of one thread that are looked through; operations of later ones are those of earlier steps.
_MOST: Final = 200_000


def made(run: RunLike) -> tuple[str, ...]:
    """Their names in the table of `samebits ops`, in the order of their first calls."""
    found: dict[str, None] = {}
    for record in run.records.values():
        for thread in record.threads():
            known: set[int] = set()
            for chunk in record.chunks(thread):
                if chunk.structure in known or chunk.start > _MOST:
                    continue
                known.add(chunk.structure)
                for event in record.events(thread, chunk.start, chunk.start + chunk.count):
                    if event.kind == "op" and (name := named(event.name)) is not None:
                        found[name] = None
    return tuple(found)


def named(operation: str) -> str | None:
    """The name in the table of an operation of the dispatcher; None: it is not there."""
    if not is_nondeterministic(operation) or has_other_name(operation):
        return None
    return table_name(operation)
