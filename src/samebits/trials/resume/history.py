"""What one run held at each of its steps, read from its record: states, losses, weights, checkpoints."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from samebits.model.facts import Census, Checkpoint, Detail, Fact
from samebits.model.sites import Site
from samebits.record.reader import Record
from samebits.record.run import Run
from samebits.trials.resume.places import Places

#: (kind, path), as a census has them.
State = tuple[str, str]
#: Rows that say what a training made: these decide.
WEIGHTS = ("parameters", "untrained", "buffers")


class History:
    """One process of one run."""

    def __init__(self, record: Record) -> None:
        self.process = record.process
        self.steps = record.steps
        self.status = record.status
        self.sources = record.sources()
        self.places = Places(self.sources)
        self.notes = record.notes
        facts = record.facts()
        self.checkpoints: list[Fact[Checkpoint]] = []
        self.facts: list[Fact[Detail]] = []
        self.sites: dict[int, Site | None] = {}  # of the optimizer's step
        self._changes: dict[State, tuple[list[int], list[str | None]]] = {}
        self.taken: list[int] = []  # the steps of which there is a census
        self._read(facts)
        self.checkpoints.sort(key=lambda fact: fact.step)  # a thread that saves counts events of its own
        self.losses = _losses(record)
        self.final = _final(record)

    def _read(self, facts: list[Fact[Detail]]) -> None:
        names: dict[str, State] = {}
        for fact in facts:
            if isinstance(fact.detail, Checkpoint):
                self.checkpoints.append(Fact(fact.detail, fact.site, fact.at, fact.step, fact.process))
            elif isinstance(fact.detail, Census):
                detail, step = fact.detail, fact.step
                self.taken.append(step)
                self.sites[step] = fact.site
                for text in detail.named or ():
                    number, kind, path = text.split(" ", 2)
                    names[number] = (kind, path)
                for text in detail.states or ():
                    number, value = text.split(" ", 1)
                    self._change(names[number], step, value)
                for number in detail.gone or ():
                    self._change(names[number], step, None)
            else:
                self.facts.append(fact)

    def _change(self, state: State, step: int, value: str | None) -> None:
        steps, values = self._changes.setdefault(state, ([], []))
        steps.append(step)
        values.append(value)

    def states(self) -> list[State]:
        """Every state that there was."""
        return list(self._changes)

    def value(self, state: State, step: int) -> str | None:
        """What a state was as a step began; None: it was not there."""
        steps, values = self._changes.get(state, ([], []))
        at = bisect_right(steps, step)
        return values[at - 1] if at else None

    def values(self, state: State) -> list[str]:
        """What a state was, one after the other."""
        return [value for value in self._changes.get(state, ([], []))[1] if value is not None]

    def at(self, step: int) -> dict[State, str]:
        """All states as a step began."""
        found = {state: self.value(state, step) for state in self._changes}
        return {state: value for state, value in found.items() if value is not None}

    def changed(self, state: State, first: int, last: int) -> bool:
        """Whether a state changed after the census of step ``first``, up to that of ``last``."""
        steps, _ = self._changes.get(state, ([], []))
        return any(first < step <= last for step in steps)

    def changes(self, state: State) -> frozenset[int]:
        """The steps at which a state was another than at the step before."""
        return frozenset(self._changes.get(state, ([], []))[0][1:])

    def weights(self, step: int) -> dict[State, str]:
        """The trained parameters as a step began."""
        return {state: value for state, value in self.at(step).items() if state[0] == "parameters"}

    def saves(self) -> list[Fact[Checkpoint]]:
        """The checkpoints that were written, in order."""
        return [fact for fact in self.checkpoints if fact.detail.action == "save"]

    def loads(self) -> list[Fact[Checkpoint]]:
        """The files that were loaded, in order."""
        return [fact for fact in self.checkpoints if fact.detail.action == "load"]


@dataclass(frozen=True, slots=True)
class Told:
    """The histories of a run's processes that took a step, or all where none did."""

    by_process: Mapping[str, History]

    @property
    def main(self) -> History | None:
        """The process whose checkpoints count: the program's own, or rank 0."""
        for name in ("main", "rank0", *self.by_process):
            if name in self.by_process:
                return self.by_process[name]
        return None


def read(run: Run) -> Told:
    """The histories of a run.

    Raises:
        RecordError: a record is damaged.
    """
    records = list(run.records.values())
    some = [record for record in records if record.steps] or [r for r in records if "/" not in r.process]
    return Told({record.process: History(record) for record in some})


def _losses(record: Record) -> dict[int, tuple[str, ...]]:
    """The bits of the losses of each step."""
    found: dict[int, list[str]] = {}
    for loss in record.losses():
        found.setdefault(loss.step, []).append(loss.bits)
    return {step: tuple(bits) for step, bits in found.items()}


def _final(record: Record) -> dict[str, int]:
    """The digest of each parameter when the process ended; none of one that was killed."""
    if record.status not in ("finished", "stopped"):
        return {}
    chunks = record.chunks(0)
    start = next((chunk.start for chunk in chunks if chunk.step >= max(0, record.steps - 1)), 0)
    found: dict[str, int] = {}
    for event in record.events(0, start):
        if event.kind == "parameter":
            found[event.name] = event.digest
    return found
