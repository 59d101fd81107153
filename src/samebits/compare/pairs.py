"""Which threads of two runs are laid side by side, by what they are compared, and whose end means nothing."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from samebits.compare.align import partings
from samebits.compare.gaps import as_it_was, closed, cut, may_lack
from samebits.compare.shared import Shared
from samebits.compare.streams import RecordLike, RunLike, Stream
from samebits.record.log import WORK

#: What tells the workers of one pool apart in a process key.
_NUMBER: Final = re.compile(r"(-[\d:]+)?(#\d+)?(?=/|$)")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two streams that are to agree, event for event.

    ``process`` is the key in the first run; that in the second is another only for workers of a pool.
    """

    process: str
    beside: str
    thread: int
    a: Stream
    b: Stream
    unfinished: tuple[bool, bool] = (False, False)  # which of them may end before their program does
    shared: Shared | None = None  # None: a process that one run has alone


def _equal(pair: Pair) -> bool:
    return next(partings(pair.a, pair.b), None) is None


def _ordered(process: str, record: RecordLike) -> dict[int, Stream]:
    """The threads of a process whose events must come in the same order, by number.

    That is the main thread, and each thread that trains.  What other threads and a loader's workers do
    is scheduled by the system, and two runs of equal results may do it in any order.
    """
    streams = {thread: Stream(record, thread) for thread in record.threads()}
    return {
        thread: stream
        for thread, stream in streams.items()
        if (thread == 0 and "/" not in process) or stream.trains()
    }


def _unfinished(run: RunLike, record: RecordLike, other: RecordLike) -> bool:
    """Whether a record may end before its program does: killed, disk full, a signal, a smaller `--steps`."""
    told = record.status == "stopped" and record.steps < other.steps
    return told or cut(run) or not closed(record) or not as_it_was(run, record.process)


def _pairs_of(run_a: RunLike, process: str, run_b: RunLike, beside: str) -> list[Pair]:
    a, b = run_a.records[process], run_b.records[beside]
    left_a, left_b = _ordered(process, a), _ordered(beside, b)
    threads = max(sum(stream.trains() for stream in left.values()) for left in (left_a, left_b))
    shared = Shared.of(a, b, threads=threads)
    unfinished = (_unfinished(run_a, a, b), _unfinished(run_b, b, a))
    found: list[Pair] = []

    def pair(thread: int, stream_a: Stream, stream_b: Stream) -> Pair:
        shared.apply(stream_a, stream_b)
        return Pair(process, beside, thread, stream_a, stream_b, unfinished, shared)

    if 0 in left_a or 0 in left_b:
        main_a = left_a.pop(0, None) or Stream(a, 0, empty=True)
        main_b = left_b.pop(0, None) or Stream(b, 0, empty=True)
        found.append(pair(0, main_a, main_b))
    # Threads are numbered in the order in which they appeared, which two runs need not share.
    for thread, stream in sorted(left_a.items()):
        numbers = [thread, *sorted(left_b)]
        twin = next((n for n in numbers if n in left_b and _equal(pair(thread, stream, left_b[n]))), None)
        if twin is not None:
            found.append(pair(thread, stream, left_b.pop(twin)))
            del left_a[thread]
    for rest_a, rest_b in zip_longest(sorted(left_a), sorted(left_b)):
        stream_a = Stream(a, rest_b, empty=True) if rest_a is None else left_a[rest_a]
        stream_b = Stream(b, rest_a, empty=True) if rest_b is None else left_b[rest_b]
        found.append(pair(stream_a.thread, stream_a, stream_b))
    return found


def _alone(process: str, run: RunLike, other: RunLike, *, in_a: bool) -> list[Pair]:
    """A process that one run has alone, against nothing."""
    record = run.records[process]
    found: list[Pair] = []
    lost = may_lack(other, process)
    for thread, stream in _ordered(process, record).items():
        nothing = Stream(record, thread, empty=True)
        streams, unfinished = (
            ((stream, nothing), (False, lost)) if in_a else ((nothing, stream), (lost, False))
        )
        found.append(Pair(process, process, thread, *streams, unfinished))
    return found


def _workers(run: RunLike) -> dict[tuple[str, str], list[str]]:
    """The processes that one parent made alike, by what they got to do, if they train.

    That is what they took from others; and what a command was told, if it was told to no other.
    """
    workers: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    commands: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for key, record in sorted(run.records.items()):
        if not _ordered(key, record):
            continue
        alike, work = _NUMBER.sub("", key), record.notes.get(WORK)
        if work is not None:
            workers[alike, f"work {work}"].append(key)
        elif alike.rpartition("/")[2] in ("main", "child"):
            commands[alike, f"command {record.manifest.get('argv')}"].append(key)
    return workers | {told: keys for told, keys in commands.items() if len(keys) == 1}


def _twins(run_a: RunLike, run_b: RunLike) -> dict[str, str]:
    """By key of ``run_a``, the process of ``run_b`` beside it: that of the same key.

    But which worker of a pool takes which work is a matter of time, and so is which command begins first.
    So beside a worker stands one of its pool that took the same work; of several, one that computed the same.
    """
    found: dict[str, str] = {}
    workers_a, workers_b = _workers(run_a), _workers(run_b)
    for alike in sorted(workers_a.keys() & workers_b.keys()):
        left_a, left_b = workers_a[alike], workers_b[alike]
        for key in list(left_a):
            for beside in sorted(
                left_b, key=lambda other: other != key
            ):  # most often that of the same number
                if all(map(_equal, _pairs_of(run_a, key, run_b, beside))):
                    found[key] = beside
                    left_a.remove(key)
                    left_b.remove(beside)
                    break
        found |= zip(left_a, left_b, strict=False)
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


def pairs(run_a: RunLike, run_b: RunLike) -> list[Pair]:
    """Every pair of streams that decides the verdict, processes in the order of their keys."""
    twins = _twins(run_a, run_b)
    found: list[Pair] = []
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
