"""Whether two threads have the same results, whatever their operations were and wherever these came."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Final, Literal

from samebits.compare.threads import EventStream
from samebits.model.events import PARTIAL

#: Kinds of event that are results of a run: a difference there counts.  "read" is item() and the like.
RESULTS: Final = frozenset({"batch", "loss", "gradient", "parameter", "read"})


def results_agree(a: EventStream, b: EventStream) -> bool:
    """Whether two threads have the same results, though one may have read some of its values more often."""
    if any(x != y for x, y in zip_longest(_results(a, "computed"), _results(b, "computed"))):
        return False
    reads_a, reads_b = list(_results(a, "read")), list(_results(b, "read"))
    fewer, more = sorted((reads_a, reads_b), key=len)
    left = iter(more)
    return all(read in left for read in fewer)


def _results(stream: EventStream, what: Literal["computed", "read"]) -> Iterator[tuple[str, str, int]]:
    """What is compared of a thread whatever its operations were."""
    kinds = {"read"} if what == "read" else RESULTS - {"read"}
    for index in range(stream.length):
        event = stream.at(index)
        if event is not None and event.kind in kinds and not event.flags & PARTIAL:
            yield event.kind, event.name, event.digest
