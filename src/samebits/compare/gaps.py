"""What is missing of a run, and keeps a verdict from being "same".

A run is whole if its launcher saw it end, nobody cut it short, every process that decides a verdict closed
its record, and the records are those that were there at the end.  Each thing that is missing is a `Gap`;
agreement of a run that has one is never more than "incomplete".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from samebits.compare.threads import RecordLike, RunLike, is_worker
from samebits.record.log import RUNNING, UNCLOSED

#: Statuses with which a process closes its record by itself.
_CLOSED: Final = frozenset({"finished", "stopped", "failed"})
#: Statuses of a run that something else than its program ended.
_CUT: Final = {
    "running": "is still running, or what started it was killed",
    "interrupted": "was interrupted",
    "timeout": "was stopped by its time limit",
}
_KNOWN: Final = frozenset({*_CUT, "lost", "finished", "failed", "stopped"})


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is missing of one run; of one process of it, or (None) of the run as a whole."""

    run: str
    process: str | None
    words: str

    def __str__(self) -> str:
        return f"run {self.run} {self.words}" if self.process is None else f"in run {self.run}, {self.words}"


def closed(record: RecordLike) -> bool:
    """Whether a record holds its process to the end."""
    return record.status in _CLOSED and not record.notes.get("incomplete")


def gaps(run: RunLike, other: RunLike, decisive: Sequence[str]) -> list[Gap]:
    """What is missing of ``run`` beside ``other``; ``decisive`` are the processes that decide the verdict."""
    return [*_of_run(run), *_of_records(run, decisive), *_of_processes(run, other, decisive)]


def missing(run: RunLike) -> list[Gap]:
    """What is missing of a run by itself."""
    return gaps(run, run, [key for key in run.records if not is_worker(key)])


def _of_run(run: RunLike) -> Iterator[Gap]:
    info = run.info
    status = info.get("status")
    if not info:
        yield Gap(run.id, None, "has no readable run.json, which says how it ended")
    elif not isinstance(status, str) or status not in _KNOWN:
        yield Gap(run.id, None, "has a run.json that does not say how it ended")
    elif status in _CUT:
        words = _CUT[status]
        seconds = info.get("seconds")
        if status == "timeout" and isinstance(seconds, (int, float)):
            words += f" after {seconds:.0f} s"
        yield Gap(run.id, None, words)
    elif status == "lost":
        yield Gap(run.id, None, f"was not recorded to its end: {info.get('reason')}")
    for entry in _entries(info, "unattached"):
        command = entry.get("command")
        words = " ".join(map(str, command)) if isinstance(command, list) else "a Python"
        yield Gap(run.id, None, f"used torch unobserved in {words!r}: {entry.get('why')}")


def _of_records(run: RunLike, decisive: Sequence[str]) -> Iterator[Gap]:
    for key, record in sorted(run.records.items()):
        why = record.notes.get("incomplete") or record.status
        # A worker may be killed when it is no longer needed; one that could not write has lost something.
        killed = why in (RUNNING, UNCLOSED) and is_worker(key) and key not in decisive
        if not closed(record) and not killed:
            yield Gap(run.id, key, f"{key} was recorded up to step {record.steps} only: {why}")
    for file in run.unmade:
        yield Gap(run.id, None, f"could not write the record {file}")
    listed, there = _listed(run), run.sizes
    for file, size in sorted(listed.items()):
        if file not in there:
            yield Gap(run.id, None, f"has lost the record {file}")
        elif there[file] != size:
            yield Gap(run.id, None, f"holds in {file} another record than when it ended: its size changed")
    for file in sorted(there.keys() - listed.keys() if listed else ()):
        yield Gap(run.id, None, f"holds {file}, which was not there when it ended")


def _listed(run: RunLike) -> dict[str, tuple[Any, Any]]:
    """The record files that there were when the run ended, with the bytes of each and of its log."""
    entries = _entries(run.info, "records")
    return {str(entry.get("file")): (entry.get("bytes"), entry.get("log")) for entry in entries}


def as_it_was(run: RunLike, process: str) -> bool:
    """Whether the record of a process is the one that there was when its run ended, as far as is known."""
    file = f"{process.replace('/', '~')}.db"
    return _listed(run).get(file, run.sizes.get(file)) == run.sizes.get(file)


def may_lack(run: RunLike, process: str) -> bool:
    """Whether the run may have had a process of which it has no record.

    One that ended, and lists its records, had no others.
    """
    return cut(run) or not _listed(run) or not as_it_was(run, process)


def cut(run: RunLike) -> bool:
    """Whether something else than its program ended the run."""
    return run.info.get("status") in (*_CUT, "lost")


def to_its_end(run: RunLike) -> bool:
    """Whether every process of a run was recorded until it ended by itself."""
    return run.info.get("status") == "finished" and all(
        record.status == "finished" and closed(record) for record in run.records.values()
    )


def _of_processes(run: RunLike, other: RunLike, decisive: Sequence[str]) -> Iterator[Gap]:
    for key in sorted(other.records.keys() - run.records.keys()):
        if (key in decisive or not is_worker(key)) and (cut(run) or not _listed(run)):
            yield Gap(run.id, key, f"{key} was not recorded")


def _entries(info: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = info.get(key)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
