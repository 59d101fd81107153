"""Which threads of two runs are laid side by side, by what they are compared, and whose end means nothing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from samebits.compare.align import mismatches
from samebits.compare.gaps import as_it_was, closed, cut, may_lack
from samebits.compare.shared import Shared
from samebits.compare.threads import EventStream, RecordLike, RunLike, is_worker
from samebits.model.facts import Save
from samebits.record.log import TASKS

#: What tells the workers of one pool apart in a process key.
_NUMBER: Final = re.compile(r"(-[\d:]+)?(#\d+)?(?=/|$)")


@dataclass(frozen=True, slots=True)
class ThreadPair:
    """Two streams that are to agree, event for event.

    ``process`` is the key in the first run and ``beside`` that in the second, which may differ (`_twins`).
    """

    process: str
    beside: str
    thread: int
    a: EventStream
    b: EventStream
    unfinished: tuple[bool, bool] = (False, False)  # which of them may end before their program does
    shared: Shared | None = None  # None: a process that one run has alone


def _equal(pair: ThreadPair) -> bool:
    return next(mismatches(pair.a, pair.b), None) is None


def _ordered(process: str, record: RecordLike) -> dict[int, EventStream]:
    """The threads of a process whose events must come in the same order, by number.

    That is the main thread, and each thread that trains.  What other threads and a loader's workers do
    is scheduled by the system, and two runs of equal results may do it in any order.
    """
    streams = {thread: EventStream(record, thread) for thread in record.threads()}
    return {
        thread: stream
        for thread, stream in streams.items()
        if (thread == 0 and not is_worker(process)) or stream.trains()
    }


def _unfinished(run: RunLike, record: RecordLike, other: RecordLike) -> bool:
    """Whether a record may end before its program does: killed, disk full, a signal, a smaller `--steps`."""
    told = record.status == "stopped" and record.steps < other.steps
    return told or cut(run) or not closed(record) or not as_it_was(run, record.process)


def _pairs_of(run_a: RunLike, process: str, run_b: RunLike, beside: str) -> list[ThreadPair]:
    a, b = run_a.records[process], run_b.records[beside]
    left_a, left_b = _ordered(process, a), _ordered(beside, b)
    shared = Shared.of(a, b)
    several = max(sum(stream.trains() for stream in left.values()) for left in (left_a, left_b)) > 1
    unfinished = (_unfinished(run_a, a, b), _unfinished(run_b, b, a))
    found: list[ThreadPair] = []

    def pair(thread: int, stream_a: EventStream, stream_b: EventStream) -> ThreadPair:
        shared.apply(stream_a, stream_b, several=several)
        return ThreadPair(process, beside, thread, stream_a, stream_b, unfinished, shared)

    if 0 in left_a or 0 in left_b:
        main_a = left_a.pop(0, None) or EventStream(a, 0, empty=True)
        main_b = left_b.pop(0, None) or EventStream(b, 0, empty=True)
        found.append(pair(0, main_a, main_b))
    # Threads are numbered in the order in which they appeared, which two runs need not share.
    for thread, stream in sorted(left_a.items()):
        numbers = [thread, *sorted(left_b)]
        twin = next((n for n in numbers if n in left_b and _equal(pair(thread, stream, left_b[n]))), None)
        if twin is not None:
            found.append(pair(thread, stream, left_b.pop(twin)))
            del left_a[thread]
    for rest_a, rest_b in zip_longest(sorted(left_a), sorted(left_b)):
        stream_a = EventStream(a, rest_b, empty=True) if rest_a is None else left_a[rest_a]
        stream_b = EventStream(b, rest_a, empty=True) if rest_b is None else left_b[rest_b]
        found.append(pair(stream_a.thread, stream_a, stream_b))
    return found


def _alone(process: str, run: RunLike, other: RunLike, *, in_a: bool) -> list[ThreadPair]:
    """A process that one run has alone, against nothing."""
    record = run.records[process]
    found: list[ThreadPair] = []
    lost = may_lack(other, process)
    for thread, stream in _ordered(process, record).items():
        nothing = EventStream(record, thread, empty=True)
        streams, unfinished = (
            ((stream, nothing), (False, lost)) if in_a else ((nothing, stream), (lost, False))
        )
        found.append(ThreadPair(process, process, thread, *streams, unfinished))
    return found


def _alike(key: str) -> str:
    """What a process key shares with those of the processes that one parent made alike."""
    return _NUMBER.sub("", key)


def _is_command(key: str) -> bool:
    """Whether it is a command that was started, or a child of `os.fork`, and no worker."""
    return _alike(key).rpartition("/")[2] in ("main", "child")


def _by_tasks(run: RunLike, keys: Sequence[str]) -> dict[tuple[str, str], list[str]]:
    """By name without number and digest of tasks, the processes that had the same to do.

    A command is among them only if no other command of that name has the same digest.
    """
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for key in keys:
        if (work := run.records[key].notes.get(TASKS)) is not None:
            found[_alike(key), str(work)].append(key)
    return {work: keys for work, keys in found.items() if len(keys) == 1 or not _is_command(keys[0])}


def _saved(run: RunLike, keys: Sequence[str]) -> dict[str, frozenset[str]]:
    """By key, under which names a process saved something."""
    return {
        key: frozenset(
            fact.detail.path  # None: into a buffer, which says nothing of the process
            for fact in run.records[key].facts()
            if isinstance(fact.detail, Save) and fact.detail.path is not None
        )
        for key in keys
    }


def _twins(run_a: RunLike, run_b: RunLike) -> dict[str, str]:
    """By key of ``run_a``, the process of ``run_b`` beside it: that of the same key.

    But which worker of a pool receives which task is a matter of time, and so is which command begins first.
    So a worker is compared with one of its pool that received the same tasks, and a command with one of the
    same words, folder and variables.  Of several, it is one that computed the same.  None is compared with
    a process that saved under other names.
    """
    keys_a, keys_b = ([k for k, r in sorted(run.records.items()) if _ordered(k, r)] for run in (run_a, run_b))
    if len(keys_a) <= 1 and len(keys_b) <= 1:
        return {key: key for key in run_a.records if key in run_b.records}
    saved_a, saved_b = _saved(run_a, keys_a), _saved(run_b, keys_b)
    both = frozenset().union(*saved_a.values()) & frozenset().union(*saved_b.values())  # others hold a time
    saved_a, saved_b = ({key: names & both for key, names in saved.items()} for saved in (saved_a, saved_b))
    found: dict[str, str] = {}
    workers_a, workers_b = _by_tasks(run_a, keys_a), _by_tasks(run_b, keys_b)
    for work in sorted(workers_a.keys() & workers_b.keys()):
        left = workers_b[work]
        for key in workers_a[work]:
            fit = [beside for beside in left if saved_a[key] == saved_b[beside]]
            if len(fit) > 1:
                fit.sort(key=lambda other: other != key)  # most often it is that of the same number
                fit.sort(key=lambda b: not all(map(_equal, _pairs_of(run_a, key, run_b, b))))
            if fit:
                found[key] = fit[0]
                left.remove(fit[0])
    # Forked children, and commands that found no equal: by what they saved.
    for key in sorted(saved_a.keys() - found.keys()):
        fit = [b for b in saved_b if saved_b[b] == saved_a[key] and _alike(b) == _alike(key)]
        alone = sum(saved_a[a] == saved_a[key] and _alike(a) == _alike(key) for a in saved_a) == 1
        if saved_a[key] and _is_command(key) and alone and len(fit) == 1 and fit[0] not in found.values():
            found[key] = fit[0]
    taken = set(found.values())
    found |= {key: key for key in run_a.records if key in run_b.records and key not in {*found, *taken}}
    # What is left of a pool took other work in each run, or more workers took it than in the other.
    taken = set(found.values())
    for pool in sorted({pool for pool, _ in workers_a} & {pool for pool, _ in workers_b}):
        rest_a, rest_b = (
            sorted(
                key for (name, _), keys in workers.items() if name == pool for key in keys if key not in used
            )
            for workers, used in ((workers_a, found), (workers_b, taken))
        )
        found |= zip(rest_a, rest_b, strict=False)
    return found


def pairs(run_a: RunLike, run_b: RunLike) -> list[ThreadPair]:
    """Every pair of streams that decides the verdict, processes in the order of their keys."""
    twins = _twins(run_a, run_b)
    found: list[ThreadPair] = []
    for key in run_a.records:
        if key in twins:
            found += _pairs_of(run_a, key, run_b, twins[key])
        else:
            found += _alone(key, run_a, run_b, in_a=True)
    taken = set(twins.values())
    for key in run_b.records:
        if key not in taken:
            found += _alone(key, run_b, run_a, in_a=False)
    return sorted(found, key=lambda pair: pair.process)
