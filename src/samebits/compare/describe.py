"""What the records say about the place where two runs diverge: the values, and the events around it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from samebits.compare.align import Mismatch
from samebits.compare.threads import EventStream
from samebits.compare.values import combine, compare_loss, compare_values
from samebits.model.divergence import FOLLOWING, Difference, Divergence
from samebits.model.events import Event

#: How many events before and after a divergence are kept for the report.
_EVENTS_BEFORE: Final = 50


def difference(a: EventStream, b: EventStream, mismatch: Mismatch) -> Difference | None:
    """By how much the two results differ, where the runs kept them."""
    if mismatch.change != "value" or mismatch.a is None or mismatch.b is None:
        return None
    parts: list[Difference] = []
    while len(parts) < 64:
        value_a = a.record.value(a.thread, mismatch.at_a, len(parts))
        value_b = b.record.value(b.thread, mismatch.at_b, len(parts))
        if value_a is None or value_b is None:
            break
        parts.append(compare_values(value_a, value_b))
    if parts:
        return combine(parts)
    if mismatch.a.kind == "loss":
        losses_a = {loss.index: loss for loss in a.record.losses()}
        losses_b = {loss.index: loss for loss in b.record.losses()}
        loss_a, loss_b = losses_a.get(mismatch.at_a), losses_b.get(mismatch.at_b)
        if loss_a is not None and loss_b is not None:
            return compare_loss((loss_a.value, loss_a.bits), (loss_b.value, loss_b.bits))
    return None


def _without_missing_digest(event: Event | None) -> Event | None:
    """The event with None as the digest of its inputs where it is 0: it was not read from the device."""
    return replace(event, inputs=None) if event is not None and event.inputs == 0 else event


def _before(stream: EventStream, at: int) -> tuple[Event, ...]:
    window = stream.window(at - _EVENTS_BEFORE, _EVENTS_BEFORE)
    return tuple(event for event in window if event.index < at)


def divergence_at(a: EventStream, b: EventStream, mismatch: Mismatch) -> Divergence:
    """What the records say about the place where two streams diverge."""
    return Divergence(
        change=mismatch.change,
        rank=a.record.rank,
        process=a.record.process,
        step=mismatch.event.step,
        a=_without_missing_digest(mismatch.a),
        b=_without_missing_digest(mismatch.b),
        difference=difference(a, b, mismatch),
        before=_before(a, mismatch.at_a),
        before_b=_before(b, mismatch.at_b),
        after_a=tuple(a.window(mismatch.at_a + (mismatch.a is not None), FOLLOWING)),
        after_b=tuple(b.window(mismatch.at_b + (mismatch.b is not None), FOLLOWING)),
    )
