"""Which of the places where two runs diverge is the first that counts.

A difference counts if the run's results can depend on it.  Not every difference does: kernels leave
auxiliary outputs unwritten, a checkpoint overwrites weights that were drawn at random, a log line appears
when a clock says so.  Two such runs compute the same training to the bit, and calling them different would
be a false alarm.  So an operation whose result differs is undecided at first.  When a batch, loss, gradient
or parameter differs too, or a value that the program read with item() or the like, then the earliest of the
undecided is the finding.  If the runs end before any result differs, `_first_of_undecided` chooses.

Rules in words: docs/reference/verdict.md, "What counts".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from samebits.compare.agreement import RESULTS, generators_agree, results_agree
from samebits.compare.align import Mismatch, mismatches
from samebits.compare.describe import divergence_at
from samebits.compare.pairs import ThreadPair, pairs
from samebits.compare.threads import TRAINING_KINDS, EventStream, RecordLike, RunLike, is_worker
from samebits.model.divergence import Divergence
from samebits.model.events import OWN_GENERATOR, RANDOM, UNINITIALIZED, VIEW, Event
from samebits.model.facts import Save
from samebits.model.operators import AUXILIARY, COPYING, base_name, is_nondeterministic, public_name
from samebits.model.sites import Site
from samebits.record.log import TASKS

#: Mismatches after so many are dropped: only an early one can be the finding.
_MOST_UNDECIDED: Final = 20_000
#: An operation, and its line.
IdlePlace = tuple[str, Site | None]

_USED_WITHIN: Final = 40  # if any operation uses an output, one does within so many events


@dataclass(frozen=True, slots=True)
class Outcome:
    """One pair of streams compared: the divergence that counts, if any, and what was seen besides."""

    divergence: Divergence | None
    notes: tuple[str, ...] = ()
    #: By which the divergences of several ranks are sorted, see `_sort_key`.
    sort_key: tuple[int, int, int] = (0, 0, 0)


def _where(event: Event) -> str:
    return str(event.site) if event.site else f"step {event.step}"


def _is_seed_of_loader(stream: EventStream, mismatch: Mismatch) -> bool:
    """Whether the mismatch looks like a seed that a DataLoader draws for its workers or its sampler.

    torch.utils.data draws one int64 with `random_()` and reads it with `item()`.  Whether the seed matters
    shows in the batches.
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


def _only_reads(mismatch: Mismatch) -> bool:
    """Whether the events that only one run has do no more than read or copy values.

    A log line does so, a snapshot, a state_dict().
    """
    if mismatch.change == "value" or not mismatch.rejoined or mismatch.change == "end":
        return False
    in_one_run = mismatch.only_a + mismatch.only_b
    if any(event.kind not in ("op", "read") or event.flags & RANDOM for event in in_one_run):
        return False
    if any(event.kind == "read" for event in in_one_run):
        return True
    return all(
        event.flags & (VIEW | UNINITIALIZED) or base_name(event.name) in COPYING for event in in_one_run
    )


def _is_decisive(stream: EventStream, mismatch: Mismatch) -> bool:
    """Whether this mismatch by itself shows that the runs differ."""
    if mismatch.change == "value":
        assert mismatch.a is not None
        return mismatch.a.kind in RESULTS and not _is_seed_of_loader(stream, mismatch)
    if _only_reads(mismatch):
        return False
    if mismatch.change == "end" or not mismatch.rejoined:
        return True
    in_one_run = mismatch.only_a + mismatch.only_b
    return any(event.kind in RESULTS - {"read"} or event.flags & RANDOM for event in in_one_run)


def _may_have_moved(mismatch: Mismatch, undone: Callable[[], bool]) -> bool:
    """Whether what one run seems to have alone may only have come elsewhere among the operations, or be idle.

    If so, all results of the thread are the same in both, in the same order.  A draw from a generator that
    the program made is idle where nothing else is drawn from it, one from the process's own where that is
    ``undone``: put back as it was (`fork_rng`).
    """
    if mismatch.change in ("value", "end") or not mismatch.rejoined:
        return False
    in_one_run = mismatch.only_a + mismatch.only_b
    draws = any(event.flags & RANDOM and not event.flags & OWN_GENERATOR for event in in_one_run)
    return not draws or undone()


def _operation(event: Event) -> tuple[str, str, str | None, str | None]:
    return (event.kind, event.name, f"{event.site}", event.module)


def _unused_outputs(mismatches: Sequence[Mismatch]) -> set[int]:
    """Indices of the mismatches that are an auxiliary output no operation uses.

    If an operation used the output, its own result would differ soon.  What was unused once at a place is
    unused there every time.
    """
    unused: set[int] = set()
    unused_at: set[tuple[str, str, str | None, str | None]] = set()
    for number, mismatch in enumerate(mismatches):
        event = mismatch.a
        if mismatch.change != "value" or event is None or base_name(event.name) not in AUXILIARY:
            continue
        if _operation(event) in unused_at:
            unused.add(number)
            continue
        used = False
        for later in mismatches[number + 1 :]:
            if later.event.index - event.index > _USED_WITHIN:
                break
            if base_name(later.event.name) not in AUXILIARY:
                used = True
                break
        if not used:
            unused.add(number)
            unused_at.add(_operation(event))
    return unused


def _overwritten_draws(mismatches: Sequence[Mismatch]) -> set[int]:
    """Indices of the mismatches that come from random values which the program overwrote later.

    Initial weights are, where a checkpoint is loaded over them.  Mismatches are put into groups, with at
    least one whole step without any between two groups.  If the first mismatch of a group is a random draw,
    the values have been overwritten: otherwise something would still differ in the next step.
    """
    groups: list[list[int]] = []
    for number, mismatch in enumerate(mismatches):
        if not groups or mismatch.event.step - mismatches[groups[-1][-1]].event.step > 1:
            groups.append([])
        groups[-1].append(number)
    before_last = groups[:-1]  # the last group holds the decisive mismatch
    overwritten = [group for group in before_last if mismatches[group[0]].event.flags & RANDOM]
    return {number for group in overwritten for number in group}


def _training_after(stream: EventStream, index: int) -> bool:
    """Whether the stream has a loss, gradient or parameter after event number ``index``."""
    for place in range(len(stream.chunks) - 1, -1, -1):
        chunk = stream.chunks[place]
        if chunk.start + chunk.count <= index:
            return False
        for event in stream.record.events(stream.thread, chunk.start, chunk.start + chunk.count):
            if event.index > index and event.kind in TRAINING_KINDS:
                return True
    return False


def _read_after(stream: EventStream, index: int) -> bool:
    return any(event.kind == "read" for event in stream.window(index + 1, stream.length))


def _saved_after(record: RecordLike, index: int) -> bool:
    return any(isinstance(fact.detail, Save) and fact.at > index for fact in record.facts())


def _first_of_undecided(stream: EventStream, undecided: Sequence[Mismatch]) -> Mismatch | None:
    """Where no mismatch is decisive, the first that counts all the same, if any does.

    One does if the runs ended before any result could have shown it, and it spread from one operation to
    another, or its operation is known to differ on equal inputs, or its inputs differed already, or the
    program saved something afterwards.
    """
    unused = _unused_outputs(undecided)
    left = [
        mismatch
        for number, mismatch in enumerate(undecided)
        if number not in unused and not _only_reads(mismatch) and not _is_seed_of_loader(stream, mismatch)
    ]
    if not left:
        return None
    if any(mismatch.change != "value" for mismatch in left):
        return left[0]
    last = left[-1].event.index
    saved = _saved_after(stream.record, last)
    if _training_after(stream, last):
        return None  # the training that followed agrees
    if _read_after(stream, last) and not saved:
        return None  # the values read afterwards agree, and no file can hold the difference
    spread = len({base_name(mismatch.event.name) for mismatch in left}) > 1
    nondeterministic = any(is_nondeterministic(mismatch.event.name) for mismatch in left)
    inputs_differ = any(
        mismatch.a is not None
        and mismatch.b is not None
        and mismatch.a.inputs
        and mismatch.b.inputs
        and mismatch.a.inputs != mismatch.b.inputs
        for mismatch in left
    )
    return left[0] if spread or nondeterministic or saved or inputs_differ else None


def _after_last_whole_step(
    mismatch: Mismatch, a: EventStream, b: EventStream, unfinished: tuple[bool, bool]
) -> bool:
    """Whether a mismatch lies after the last whole step of a run that did not end by itself.

    Such a run is compared up to that step: in the next one, it may have been answering a signal.  A run
    that was ended before its first step is compared by its values alone.
    """
    return any(
        mismatch.event.step >= stream.steps and (stream.steps > 0 or mismatch.change != "value")
        for stream, ended_early in zip((a, b), unfinished, strict=True)
        if ended_early
    )


def _sort_key(stream: EventStream, mismatch: Mismatch) -> tuple[int, int, int]:
    """The mismatch's step, and how many collectives and events come before it in that step.

    By this the mismatches of several ranks are sorted.
    """
    step = mismatch.event.step
    collectives = events_before = 0
    index = mismatch.at_a - 1
    while (event := stream.at(index)) is not None and event.step == step:
        events_before += 1
        collectives += event.kind == "collective"
        index -= 1
    return (step, collectives, events_before)


def _note(undecided: Sequence[Mismatch]) -> str:
    first = undecided[0]
    what = f"{public_name(first.event)} ({_where(first.event)})"
    many = f" and {len(undecided) - 1} more" if len(undecided) > 1 else ""
    if first.change == "value":
        return (
            f"the result of {what}{many} differed, but no compared batch, loss, gradient or parameter of "
            "that thread did: not counted"
        )
    return f"{what}{many} ran in one run only, without any effect on what was compared: not counted"


def idle_places(run_a: RunLike, run_b: RunLike) -> frozenset[IdlePlace]:
    """Where two runs that agree had other values all the same: these reach no result."""
    found: set[IdlePlace] = set()
    for pair in pairs(run_a, run_b):
        for mismatch in mismatches(pair.a, pair.b):
            if mismatch.change == "value":
                found.add((mismatch.event.name, mismatch.event.site))
    return frozenset(found)


def compare_streams(
    a: EventStream,
    b: EventStream,
    unfinished: tuple[bool, bool] = (False, False),
    idle: Collection[IdlePlace] = (),
) -> Outcome:
    """The first divergence that counts in one thread of two runs.

    ``unfinished`` says of each run whether something else than its program ended it; ``idle`` where values
    are known to reach no result.
    """
    undecided: list[Mismatch] = []
    decisive: Mismatch | None = None
    notes: list[str] = []

    @cache
    def agree() -> bool:
        return results_agree(a, b)

    @cache
    def undone() -> bool:
        return generators_agree(a, b)

    for mismatch in mismatches(a, b):
        if _after_last_whole_step(mismatch, a, b, unfinished):
            break
        if idle and mismatch.change == "value" and (mismatch.event.name, mismatch.event.site) in idle:
            continue
        if _is_decisive(a, mismatch):
            if _may_have_moved(mismatch, undone) and agree():
                continue
            decisive = mismatch
            break
        if len(undecided) < _MOST_UNDECIDED:
            undecided.append(mismatch)
    if decisive is None:
        first = _first_of_undecided(a, undecided)
    else:
        everything = [*undecided, decisive]
        passed_over = _unused_outputs(everything) | _overwritten_draws(everything)
        first = next(
            (
                mismatch
                for number, mismatch in enumerate(everything)
                if number not in passed_over and not _only_reads(mismatch)
            ),
            decisive,
        )
    if first is None:
        if undecided:
            notes.append(_note(undecided))
        return Outcome(None, tuple(notes))
    return Outcome(divergence_at(a, b, first), tuple(notes), _sort_key(a, first))


def first_divergence(
    run_a: RunLike,
    run_b: RunLike,
    compared: Sequence[ThreadPair] | None = None,
    idle: Collection[IdlePlace] = (),
) -> tuple[Divergence | None, list[str]]:
    """The first divergence over all ranks, and notes on differences that do not count.

    Of the ranks that diverge in the earliest step, the first is the one with the fewest collectives before
    its divergence in that step, then the one with the fewest events.  For a difference after a collective
    may have come through it from another rank.
    """
    notes: list[str] = []
    for key in sorted(set(run_a.records) ^ set(run_b.records)):
        if not is_worker(key):
            notes.append(f"process {key} was recorded in one run only")
    found: list[tuple[tuple[int, int, int], int, str, Divergence]] = []
    compared = pairs(run_a, run_b) if compared is None else compared
    several = len({pair.process for pair in compared}) > 1
    tasks = {
        pair.process: (pair.a.record.notes.get(TASKS), pair.b.record.notes.get(TASKS)) for pair in compared
    }
    for process, (tasks_a, tasks_b) in tasks.items():
        if is_worker(process) and tasks_a is not None and tasks_b is not None and tasks_a != tasks_b:
            notes.append(f"the tasks or the command of {process} differ between the runs (compared as bytes)")
    for pair in compared:
        outcome = compare_streams(pair.a, pair.b, pair.unfinished, idle)
        notes.extend(f"{pair.process}: {note}" if several else note for note in outcome.notes)
        if outcome.divergence is not None:
            divergence = replace(outcome.divergence, process=pair.process)
            found.append((outcome.sort_key, divergence.rank, pair.process, divergence))
    if not found:
        return None, notes
    return min(found, key=lambda entry: entry[:3])[3], notes
