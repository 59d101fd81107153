"""Which of the places where two runs diverge is the first that counts.

A difference counts when something that the run computes or shows can have read it.  Kernels leave
auxiliary outputs unwritten, weights are drawn and then overwritten by a checkpoint, a line is logged when
a clock says so: two such runs agree in every bit a user has, and calling them different would be a false
alarm.  So operations that differ are held back until a batch, loss, gradient, parameter or value read by
the program differs too; then the earliest of them is the finding.  Where the runs end before anything
was read, `_alive_at_the_end` decides.

Rules in words: docs/reference/verdict.md, "What counts".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from samebits.compare.align import Mismatch, mismatches
from samebits.compare.pairs import ThreadPair, pairs
from samebits.compare.threads import TRAINING, EventStream, RecordLike, RunLike
from samebits.compare.values import combine, compare_loss, compare_values
from samebits.model.divergence import Difference, Divergence
from samebits.model.events import RANDOM, UNINITIALIZED, VIEW, Event
from samebits.model.facts import Save
from samebits.model.operators import AUXILIARY, COPYING, base_name, is_nondeterministic, public_name
from samebits.record.log import WORK

#: Kinds of event that a user has: a difference there always counts.
_RESULTS: Final = frozenset({"batch", "loss", "gradient", "parameter", "read"})
_BEFORE, _AFTER = 50, 200
_HELD: Final = 20_000  # mismatches held back at most
_CONSUMED: Final = 40  # an output that is read is read within so many events


@dataclass(frozen=True, slots=True)
class Outcome:
    """One pair of streams compared: the divergence that counts, if any, and what was seen besides."""

    divergence: Divergence | None
    notes: tuple[str, ...] = ()
    order: tuple[int, int, int] = (0, 0, 0)  # step, collectives before it in the step, events before it


@dataclass(slots=True)
class _Held:
    """Mismatches that do not yet count."""

    mismatches: list[Mismatch] = field(default_factory=list)
    dropped: int = 0

    def add(self, mismatch: Mismatch) -> None:
        if len(self.mismatches) < _HELD:
            self.mismatches.append(mismatch)
        else:
            self.dropped += 1


def _where(event: Event) -> str:
    return f"{event.site.file}:{event.site.line}" if event.site else f"step {event.step}"


def _worker_seed(stream: EventStream, mismatch: Mismatch) -> bool:
    """Whether a read is a loader taking the seed of its workers, or of a sampler, from the generator.

    torch.utils.data draws one int64 with `random_()` and reads it; what comes of it is seen in the batches.
    """
    if mismatch.change != "value" or mismatch.a is None:
        return False
    event = mismatch.a
    if event.kind == "op":
        return base_name(event.name) in ("aten::random_", "aten::item", "aten::_local_scalar_dense")
    if event.kind != "read":
        return False
    for index in range(event.index - 1, max(event.index - 6, -1), -1):
        earlier = stream.at(index)
        if earlier is None or earlier.site != event.site:
            return False
        if base_name(earlier.name) == "aten::random_":
            return bool(earlier.flags & RANDOM)
    return False


def _aside(mismatch: Mismatch) -> bool:
    """Whether what one run has alone only looks at values: a log line, a snapshot, a state_dict()."""
    if mismatch.change == "value" or not mismatch.rejoined or mismatch.change == "end":
        return False
    alone = mismatch.only_a + mismatch.only_b
    if any(event.kind not in ("op", "read") or event.flags & RANDOM for event in alone):
        return False
    if any(event.kind == "read" for event in alone):
        return True
    return all(event.flags & (VIEW | UNINITIALIZED) or base_name(event.name) in COPYING for event in alone)


def _decides(stream: EventStream, mismatch: Mismatch) -> bool:
    if mismatch.change == "value":
        assert mismatch.a is not None
        return mismatch.a.kind in _RESULTS and not _worker_seed(stream, mismatch)
    if _aside(mismatch):
        return False
    if mismatch.change == "end" or not mismatch.rejoined:
        return True
    alone = mismatch.only_a + mismatch.only_b
    return any(event.kind in _RESULTS - {"read"} or event.flags & RANDOM for event in alone)


def _operation(event: Event) -> tuple[str, str, str | None, str | None]:
    return (event.kind, event.name, f"{event.site}", event.module)


def _unread_outputs(held: Sequence[Mismatch]) -> set[int]:
    """Numbers of the mismatches that are an auxiliary output nothing reads."""
    unread: set[int] = set()
    known: set[tuple[str, str, str | None, str | None]] = set()
    for number, mismatch in enumerate(held):
        event = mismatch.a
        if mismatch.change != "value" or event is None or base_name(event.name) not in AUXILIARY:
            continue
        if _operation(event) in known:
            unread.add(number)
            continue
        consumed = False
        for later in held[number + 1 :]:
            if later.event.index - event.index > _CONSUMED:
                break
            if base_name(later.event.name) not in AUXILIARY:
                consumed = True
                break
        if not consumed:
            unread.add(number)
            known.add(_operation(event))
    return unread


def _overwritten(held: Sequence[Mismatch]) -> set[int]:
    """Numbers of the mismatches that are random values nothing came of: weights drawn, then loaded over.

    A difference that began with a draw and then rests for a whole step has been overwritten.
    """
    groups: list[list[int]] = []
    for number, mismatch in enumerate(held):
        if not groups or mismatch.event.step - held[groups[-1][-1]].event.step > 1:
            groups.append([])
        groups[-1].append(number)
    dead = [group for group in groups[:-1] if held[group[0]].event.flags & RANDOM]
    return {number for group in dead for number in group}


def _training_after(stream: EventStream, index: int) -> bool:
    """Whether the stream has a loss, gradient or parameter after ``index``."""
    for place in range(len(stream.chunks) - 1, -1, -1):
        chunk = stream.chunks[place]
        if chunk.start + chunk.count <= index:
            return False
        for event in stream.record.events(stream.thread, chunk.start, chunk.start + chunk.count):
            if event.index > index and event.kind in TRAINING:
                return True
    return False


def _read_after(stream: EventStream, index: int) -> bool:
    return any(event.kind == "read" for event in stream.window(index + 1, stream.length))


def _saved_after(record: RecordLike, index: int) -> bool:
    return any(isinstance(fact.detail, Save) and fact.at > index for fact in record.facts())


def _alive_at_the_end(stream: EventStream, held: Sequence[Mismatch]) -> Mismatch | None:
    """Of differences that nothing compared has read, the first that still counts.

    They count if they spread from one operation to another, or are the very kind of operation known to
    differ, or were saved, and the run ended before any value that could have shown them.
    """
    unread = _unread_outputs(held)
    left = [
        mismatch
        for number, mismatch in enumerate(held)
        if number not in unread and not _aside(mismatch) and not _worker_seed(stream, mismatch)
    ]
    if not left:
        return None
    if any(mismatch.change != "value" for mismatch in left):
        return left[0]
    last = left[-1].event.index
    saved = _saved_after(stream.record, last)
    if _training_after(stream, last) or (_read_after(stream, last) and not saved):
        return None
    spread = len({base_name(mismatch.event.name) for mismatch in left}) > 1
    known = any(is_nondeterministic(mismatch.event.name) for mismatch in left)
    fed = any(
        mismatch.a is not None
        and mismatch.b is not None
        and mismatch.a.inputs
        and mismatch.b.inputs
        and mismatch.a.inputs != mismatch.b.inputs
        for mismatch in left
    )
    return left[0] if spread or known or saved or fed else None


def _cut_short(mismatch: Mismatch, a: EventStream, b: EventStream, unfinished: tuple[bool, bool]) -> bool:
    """Whether a mismatch lies beyond what is known of a run that something else ended than its program.

    Such a run is compared up to its last whole step: in the step after it, it may have answered a signal.
    One without any steps is compared by its values alone.
    """
    return any(
        mismatch.event.step >= stream.steps and (stream.steps > 0 or mismatch.change != "value")
        for stream, ended_early in zip((a, b), unfinished, strict=True)
        if ended_early
    )


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


def _known(event: Event | None) -> Event | None:
    """The event with its digest of inputs left out where it is 0: a device did not bring it over."""
    return replace(event, inputs=None) if event is not None and event.inputs == 0 else event


def divergence_at(a: EventStream, b: EventStream, mismatch: Mismatch) -> Divergence:
    """What is known of the place where two streams part."""
    return Divergence(
        change=mismatch.change,
        rank=a.record.rank,
        process=a.record.process,
        step=mismatch.event.step,
        a=_known(mismatch.a),
        b=_known(mismatch.b),
        difference=difference(a, b, mismatch),
        before=tuple(e for e in a.window(mismatch.at_a - _BEFORE, _BEFORE) if e.index < mismatch.at_a),
        after_a=tuple(a.window(mismatch.at_a + (mismatch.a is not None), _AFTER)),
        after_b=tuple(b.window(mismatch.at_b + (mismatch.b is not None), _AFTER)),
    )


def _order(stream: EventStream, mismatch: Mismatch) -> tuple[int, int, int]:
    """Where in a step the mismatch lies, so that ranks can be compared."""
    step = mismatch.event.step
    collectives = inside = 0
    index = mismatch.at_a - 1
    while (event := stream.at(index)) is not None and event.step == step:
        inside += 1
        collectives += event.kind == "collective"
        index -= 1
    return (step, collectives, inside)


def _note(held: Sequence[Mismatch]) -> str:
    first = held[0]
    what = f"{public_name(first.event)} ({_where(first.event)})"
    many = f" and {len(held) - 1} more" if len(held) > 1 else ""
    if first.change == "value":
        return (
            f"the result of {what}{many} differed, but nothing that was compared later read it: not counted"
        )
    return f"{what}{many} ran in one run only, without any effect on what was compared: not counted"


def compare_streams(
    a: EventStream, b: EventStream, unfinished: tuple[bool, bool] = (False, False)
) -> Outcome:
    """The first place that counts at which one thread of two runs diverges, as far as both were recorded."""
    held = _Held()
    decisive: Mismatch | None = None
    notes: list[str] = []
    for mismatch in mismatches(a, b):
        if _cut_short(mismatch, a, b, unfinished):
            break
        if _decides(a, mismatch):
            decisive = mismatch
            break
        held.add(mismatch)
    if decisive is None:
        first = _alive_at_the_end(a, held.mismatches)
    else:
        everything = [*held.mismatches, decisive]
        unread = _unread_outputs(everything) | _overwritten(everything)
        first = next(
            (p for number, p in enumerate(everything) if number not in unread and not _aside(p)), decisive
        )
    if first is None:
        if held.mismatches:
            notes.append(_note(held.mismatches))
        return Outcome(None, tuple(notes))
    return Outcome(divergence_at(a, b, first), tuple(notes), _order(a, first))


def first_divergence(
    run_a: RunLike, run_b: RunLike, compared: Sequence[ThreadPair] | None = None
) -> tuple[Divergence | None, list[str]]:
    """The first divergence over all ranks, and notes on what was seen and not counted.

    Of several ranks the first is the one that diverges earliest in the earliest step, where a collective
    before it yields: a difference that came over a collective began in another rank.
    """
    notes: list[str] = []
    for key in sorted(set(run_a.records) ^ set(run_b.records)):
        if "/" not in key:
            notes.append(f"process {key} was recorded in one run only")
    found: list[tuple[tuple[int, int, int], int, str, Divergence]] = []
    compared = pairs(run_a, run_b) if compared is None else compared
    several = len({pair.process for pair in compared}) > 1
    given = {
        pair.process: (pair.a.record.notes.get(WORK), pair.b.record.notes.get(WORK)) for pair in compared
    }
    for process, (work_a, work_b) in given.items():
        if "/" in process and work_a is not None and work_b is not None and work_a != work_b:
            notes.append(
                f"what other processes gave {process} to do is not the same in both runs, byte for byte"
            )
    for pair in compared:
        outcome = compare_streams(pair.a, pair.b, pair.unfinished)
        notes.extend(f"{pair.process}: {note}" if several else note for note in outcome.notes)
        if outcome.divergence is not None:
            divergence = replace(outcome.divergence, process=pair.process)
            found.append((outcome.order, divergence.rank, pair.process, divergence))
    if not found:
        return None, notes
    return min(found, key=lambda entry: entry[:3])[3], notes
