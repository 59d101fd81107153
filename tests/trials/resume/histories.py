"""Histories without a program: what a record would say, given step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from samebits.model.facts import Census, Checkpoint, Detail, Fact
from samebits.model.sites import Site
from samebits.record.reader import Record
from samebits.record.values import Loss
from samebits.trials.resume.history import History, State

SITE = Site("train.py", 30, "main")


class _Record:
    """What `History` asks of a record."""

    def __init__(
        self,
        states: Sequence[Mapping[State, str]],
        losses: Sequence[str],
        checkpoints: Sequence[tuple[int, Checkpoint]],
        source: str,
    ) -> None:
        self.process, self.steps, self.status = "main", len(states), "running"
        self.notes: dict[str, Any] = {}
        self._states, self._losses, self._checkpoints, self._source = states, losses, checkpoints, source

    def sources(self) -> dict[str, str]:
        return {"train.py": self._source}

    def facts(self) -> list[Fact[Detail]]:
        found: list[Fact[Detail]] = []
        numbers: dict[State, int] = {}
        last: dict[State, str] = {}
        for step in range(len(self._states) + 1):
            found += [Fact(d, SITE, 10 * step, step) for at, d in self._checkpoints if at == step]
            if step == len(self._states):
                break
            now = self._states[step]
            named = [state for state in now if state not in numbers]
            for state in named:
                numbers[state] = len(numbers)
            changed = [f"{numbers[s]} {v}" for s, v in now.items() if last.get(s) != v]
            gone = [str(numbers[s]) for s in last if s not in now]
            last = dict(now)
            named_texts = [f"{numbers[s]} {s[0]} {s[1]}" for s in named]
            found.append(
                Fact(Census(named=named_texts, states=changed, gone=gone), SITE, 10 * step + 5, step)
            )
        return found

    def losses(self) -> list[Loss]:
        return [Loss(step, step, 0.0, bits) for step, bits in enumerate(self._losses)]


def history(
    states: Sequence[Mapping[State, str]],
    losses: Sequence[str] | None = None,
    *,
    checkpoints: Sequence[tuple[int, Checkpoint]] = (),
    source: str = "",
) -> History:
    """A process that was killed after so many steps as there are states."""
    bits = losses if losses is not None else [f"{step:02x}" for step in range(len(states))]
    return History(cast(Record, _Record(states, bits, checkpoints, source)))


def saved(digest: str, *keys: str, holds: Sequence[str] = ()) -> Checkpoint:
    """A checkpoint that is written."""
    return Checkpoint(
        action="save", call="torch.save", path="last.pt", digest=digest, keys=list(keys), holds=list(holds)
    )


def loaded(digest: str) -> Checkpoint:
    """One that is read."""
    return Checkpoint(action="load", call="torch.load", path="other.pt", digest=digest)
