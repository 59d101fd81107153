"""The perturbation matrix: a row for each change, and what they say together.  Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from samebits._runtime.markup import card
from samebits.compare.verdict import count
from samebits.model.twins import Twins
from samebits.trials.stress.row import TrialRow

FORMAT: Final = "samebits.stress"
VERSION: Final = 1
#: Said where nothing else is: what every run has another one of, so that the baseline pair shows it.
PAIR: Final = (
    "The pair without a change has another pid, start time and memory layout in each run, and where "
    "PYTHONHASHSEED is not set another hash secret: it agrees, so these reach nothing."
)


@dataclass(frozen=True, slots=True)
class Matrix:
    """What reaches the weights of a program.

    Attributes:
        baseline: the ids of the runs without a change.
        steps: how many steps each took.
        seconds: how long one of them took.
        rows: one for each change that was asked for.
        reason: why there are no rows, or not all of them; None where nothing is missing.
        folder: where the trials lie, so that `samebits stress --collect` finds them.
        twins: random streams of the first run that are one and the same, where each should differ.
    """

    baseline: tuple[str, ...]
    steps: int
    seconds: float
    rows: tuple[TrialRow, ...]
    reason: str | None = None
    folder: str = ""
    twins: tuple[Twins, ...] = ()

    @property
    def findings(self) -> tuple[TrialRow, ...]:
        """The rows that are not as they should be."""
        return tuple(row for row in self.rows if row.word == "finding")

    @property
    def verdict(self) -> Literal["ok", "findings", "incomplete"]:
        if self.findings or self.twins:
            return "findings"
        unknown = any(row.word in ("failed", "missing") for row in self.rows)
        return "incomplete" if unknown or self.reason is not None or not self.rows else "ok"

    @property
    def exit_status(self) -> int:
        """What `samebits stress` exits with."""
        return {"ok": 0, "findings": 1, "incomplete": 2}[self.verdict]

    @property
    def headline(self) -> str:
        """What came of it, in one line."""
        if not self.rows:
            return self.reason or "nothing was run"
        if self.findings:
            names = ", ".join(row.name for row in self.findings)
            said = f"{count(len(self.findings), 'change')} of {len(self.rows)} not as it should be: {names}"
        else:
            known = sum(row.word in ("ok", "may") for row in self.rows)
            said = f"{count(known, 'change')}, {count(self.steps, 'step')} each: all as they should be"
            if not known:
                said = f"nothing is known of {count(len(self.rows), 'change')}"
        more = [f"{count(len(self.twins), 'random stream')} repeated"] if self.twins else []
        for word in ("failed", "missing", "did not apply"):
            if number := sum(row.word == word for row in self.rows):
                more.append(f"{number} {word}")
        return f"{said}; {', '.join(more)}" if more else said

    def row(self, name: str) -> TrialRow:
        """The row of a change.

        Raises:
            KeyError: it was not asked for.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    def _repr_html_(self) -> str:
        """For notebooks."""
        rows: list[tuple[str, object]] = [
            (row.name, f"{row.word}: {row.sentence or row.at}") for row in self.rows
        ]
        return card("stress", self.headline, rows, "")

    def as_json(self) -> dict[str, Any]:
        """The document, described by docs/reference/stress.schema.json."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "verdict": self.verdict,
            "headline": self.headline,
            "baseline": list(self.baseline),
            "steps": self.steps,
            "seconds": self.seconds,
            "rows": [row.as_json() for row in self.rows],
            "reason": self.reason,
            "folder": self.folder,
            "twins": [one.as_json() for one in self.twins],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Matrix:
        """The matrix that a document holds."""
        return cls(
            tuple(data["baseline"]),
            data["steps"],
            data["seconds"],
            tuple(TrialRow.from_json(row) for row in data["rows"]),
            data["reason"],
            data["folder"],
            tuple(Twins.from_json(one) for one in data["twins"]),
        )
