"""Which threads of two runs are laid side by side, by what they are compared, and whose end means nothing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from samebits.compare.align import partings
from samebits.compare.gaps import as_it_was, closed, cut, may_lack
from samebits.compare.shared import Shared
from samebits.compare.streams import RecordLike, RunLike, Stream

#: What tells the workers of one pool apart in a process key.
_NUMBER: Final = re.compile(r"-\d+(#\d+)?(?=/|$)")


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
    shared = Shared.of(a, b)
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


def _pools(run: RunLike) -> dict[str, list[str]]:
    """The processes that train and were made alike by one parent, as the workers of a pool."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for key, record in sorted(run.records.items()):
        if "/" in key and _ordered(key, record):
            found[_NUMBER.sub("", key)].append(key)
    return found


def _matched(run_a: RunLike, keys_a: Sequence[str], run_b: RunLike, keys_b: Sequence[str]) -> dict[str, str]:
    """By key of ``run_a``, the worker of ``run_b`` beside it: one that computed the same, if there is one.

    Which worker of a pool takes which work is a matter of time.
    """
    found: dict[str, str] = {}
    left = list(keys_b)
    for key in keys_a:
        for beside in sorted(left, key=lambda other: other != key):  # most often that of the same number
            if all(map(_equal, _pairs_of(run_a, key, run_b, beside))):
                found[key] = beside
                left.remove(beside)
                break
    rest = [key for key in keys_a if key not in found]
    found |= {key: key for key in rest if key in left}
    return found | dict(
        zip([k for k in rest if k not in left], [k for k in left if k not in rest], strict=False)
    )


def pairs(run_a: RunLike, run_b: RunLike) -> list[Pair]:
    """Every pair of streams that decides the verdict, processes in the order of their keys."""
    twins = {key: key for key in run_a.records if key in run_b.records}
    pools_a, pools_b = _pools(run_a), _pools(run_b)
    for pool in pools_a.keys() & pools_b.keys():
        keys_a, keys_b = pools_a[pool], pools_b[pool]
        if len({*keys_a, *keys_b}) > 1:
            for key in {*keys_a, *keys_b}:
                twins.pop(key, None)
            twins |= _matched(run_a, keys_a, run_b, keys_b)
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
