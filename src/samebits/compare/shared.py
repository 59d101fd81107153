"""What two records both observed: only that is compared, and what one of them left unread is never missing.

Two runs of one program need not have been watched alike.  One was recorded per step and the other per
operation, one by the native observer and the other in Python, one read every parameter at every step and
the other a sixteenth of them.  What both hold is compared; `Shared.words` says in a sentence what that is.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from samebits.compare.threads import EventStream, Keep, RecordLike
from samebits.model.events import GRAD_ROOT, OPENING, READS, Event

#: What a process computed, whoever watched it and how closely.
_RESULTS: Final = frozenset({"batch", "loss", "gradient", "parameter"})
_LEVELS: Final = {"step": "per step", "op": "per operation"}
_OBSERVERS: Final = {"native": "by the native observer", "python": "by the observer in Python"}
_NONE: Final[frozenset[tuple[str, str]]] = frozenset()


@dataclass(frozen=True, slots=True)
class Coverage:
    """How one process was observed."""

    level: str
    observer: str
    vocabulary: int
    schedule: tuple[tuple[int, int], ...] | None  # (from step, stride) of reading; None: not known
    together: bool = True  # all gradients were read at each step that the stride divides
    until: int | None = None  # operations were recorded up to this step; None: to the end, at level "op"

    @classmethod
    def of(cls, record: RecordLike) -> Coverage:
        level, until = record.plan.get("level"), None
        opened = level == "auto"
        if opened:
            level = "op" if OPENING in record.notes else "step"
            until = record.notes.get(OPENING)
            until = until if until is None or type(until) is int else 0
        level = level if level in _LEVELS else "op"
        observer, vocabulary = record.notes.get("observer"), record.notes.get("vocabulary")
        return cls(
            level,
            observer if observer in _OBSERVERS else _observer_before_it_was_noted(record),
            vocabulary if type(vocabulary) is int else 1,
            ((0, 1),) if level == "op" and not opened else _schedule(record),
            (level == "op" and not opened) or record.notes.get("gradients_together") is True,
            until if level == "op" else None,
        )

    def operations(self, step: int) -> bool:
        """Whether operations were recorded at ``step``."""
        return self.level == "op" and (self.until is None or step < self.until)

    @property
    def how(self) -> str:
        """ "per step"."""
        return _LEVELS[self.level] + ("" if self.until is None else f" up to step {self.until:,}")

    def stride(self, step: int) -> int | None:
        """At ``step`` every stride-th gradient and parameter was read; None where that is not known."""
        if self.schedule is None:
            return None
        return next((stride for since, stride in reversed(self.schedule) if since <= step), 1)


def _observer_before_it_was_noted(record: RecordLike) -> str:
    """Records of 0.1.0 say only what the observer in Python could not see."""
    left_out = record.notes.get("left_out")
    notes = left_out if isinstance(left_out, list) else [left_out]
    return "python" if any("observed from Python" in str(note) for note in notes) else "native"


def _schedule(record: RecordLike) -> tuple[tuple[int, int], ...] | None:
    found = record.notes.get("schedule")
    if found is None:
        given = record.plan.get("schedule")
        if not isinstance(given, Mapping):
            return None
        found = given.get(record.process, [])
    if not isinstance(found, list):
        return None
    rows = [row for row in found if isinstance(row, list) and len(row) == 2]
    if len(rows) < len(found) or any(type(n) is not int or n < 0 for row in rows for n in row):
        return None
    return tuple((since, max(stride, 1)) for since, stride in rows)


@dataclass(frozen=True, slots=True)
class Shared:
    """What of two records of one process is compared, and how that is said."""

    a: Coverage
    b: Coverage
    keep: Keep | None = field(compare=False)

    @classmethod
    def of(cls, a: RecordLike, b: RecordLike) -> Shared:
        first, second = Coverage.of(a), Coverage.of(b)
        return cls(first, second, _keep(first, second))

    @property
    def whole(self) -> bool:
        """Whether both were observed alike, so that nothing had to be left out."""
        known = self.a.schedule is not None
        alike = self.a.schedule == self.b.schedule and self.a.together == self.b.together
        return self.keep is None and known and alike

    def words(self) -> str | None:
        """What is compared, where the two were not observed alike: one sentence."""
        if self.a.vocabulary != self.b.vocabulary:
            how = "The two were recorded by versions of samebits that observe different things"
        elif self.a.how != self.b.how:
            how = f"The first was recorded {self.a.how}, the other {self.b.how}"
        elif self.keep is not None:
            first, second = _OBSERVERS[self.a.observer], _OBSERVERS[self.b.observer]
            how = f"The first was recorded {first}, the other {second}"
        elif not self.whole:
            return (
                "The two may not have read the same gradients and parameters at every step: compared is "
                "what both read."
            )
        else:
            return None
        return f"{how}: compared are the results that both hold, and no single operations."

    def apply(self, a: EventStream, b: EventStream, *, several: bool = False) -> None:
        """Let two streams hold only what both observed; ``several``: more threads of the process train."""
        if self.whole and a.closing() == b.closing():
            return
        a.compared_by(self.keep, self._unread(a, b, self.a, self.b, several))
        b.compared_by(self.keep, self._unread(b, a, self.b, self.a, several))

    def _unread(
        self, mine: EventStream, other: EventStream, watched: Coverage, beside: Coverage, several: bool
    ) -> Callable[[int], frozenset[tuple[str, str]]]:
        """By step, what of ``mine`` the other run may simply not have read."""
        steps = max(mine.record.steps, other.record.steps)
        alone = mine.closing() - other.closing()

        def unread(step: int) -> frozenset[tuple[str, str]]:
            stride, others = watched.stride(step), beside.stride(step)
            if step >= steps:
                return alone
            if self.whole or mine.thread != 0 != other.thread:
                return _NONE  # a thread that is not the first one follows no schedule: it reads everything
            if several:
                return mine.read_at(step)  # which steps of the process were this thread's is a matter of time
            known = beside.together or not watched.together
            if known and stride is not None and others is not None and stride % others == 0:
                return _NONE  # whatever is read at this stride is read at a divisor of it, too
            return mine.read_at(step) - other.read_at(step)

        return unread


def _keep(a: Coverage, b: Coverage) -> Keep | None:
    if a.vocabulary != b.vocabulary:
        return lambda event: event.kind in _RESULTS and event.name != GRAD_ROOT
    if (a.level, a.until) != (b.level, b.until):
        names = frozenset(f"Tensor.{method}" for method in READS["step"]) & frozenset(
            f"Tensor.{method}" for method in READS["op"]
        )

        def results(event: Event) -> bool:
            return event.kind in _RESULTS or (event.kind == "read" and event.name in names)

        return results
    if a.level == "op" and a.observer != b.observer:
        return lambda event: event.kind in _RESULTS or event.kind == "read"
    return None


def repeat(info: Mapping[str, Any], level: str) -> str:
    """The command that records a run's program at a level."""
    argv = info.get("argv")
    words = shlex.join(map(str, argv)) if isinstance(argv, list) else "SCRIPT"
    option = {"module": ["-m"], "command": ["--"]}.get(str(info.get("kind")), [])
    command = "verify" if info.get("verify") else "record"
    return " ".join([f"samebits {command} --level", level, *option, words])
