"""What `cure` found, as a document and for a person (`report.cure`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from samebits.compare import Verdict
from samebits.control.settings import Control
from samebits.errors import RecordError
from samebits.record.run import Run
from samebits.record.weights import weights_hash
from samebits.trials.cure.cost import Cost
from samebits.trials.cure.remedies import Remedy

FORMAT: Final = "samebits.cure"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Needed:
    """A remedy of the set.

    Attributes:
        remedy: what is changed.
        shown: whether the runs are known to part without it.
        cost: in time.
        operations: of one that makes operations deterministic, those that matter, by the names of
            `samebits ops`; None where that is not known.
    """

    remedy: Remedy
    shown: bool
    cost: Cost | None
    operations: tuple[str, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            **self.remedy.as_json(),
            "shown": self.shown,
            "operations": None if self.operations is None else list(self.operations),
            "cost": self.cost.as_json() if self.cost else None,
        }


@dataclass(frozen=True, slots=True)
class Proof:
    """Runs of the program with the set made, of which the weights alone were read.

    ``weights``: a hash of the last weights of each (`record.weights`); None where nothing was trained.
    """

    verdict: str
    runs: tuple[str, ...]
    weights: tuple[str | None, ...]

    @classmethod
    def of(cls, verdict: Verdict, out: Path) -> Proof:
        hashes: list[str | None] = []
        for name in verdict.runs:
            try:
                with Run.open(out / name) as run:
                    hashes.append(weights_hash(run))
            except RecordError:
                hashes.append(None)
        return cls(verdict.verdict, tuple(verdict.runs), tuple(hashes))

    @property
    def holds(self) -> bool:
        """Whether the weights are known to be equal."""
        return self.verdict == "same" and len({*self.weights}) == 1 and self.weights[0] is not None

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "runs": list(self.runs),
            "weights": list(self.weights),
            "holds": self.holds,
        }


@dataclass(frozen=True, slots=True)
class CureResult:
    """What was found.

    "same": the program repeats as it is.  "cured": it repeats with what is ``needed``.  "diverged": nothing
    that was tried makes it repeat.  "failed", "incomplete": it could not be told.
    """

    first: Verdict | None
    last: Verdict | None
    needed: tuple[Needed, ...]
    proof: Proof | None
    patch: bytes
    files: Mapping[str, bytes] = field(repr=False)  # as they are to be
    originals: Mapping[str, bytes] = field(repr=False)
    control: Control
    runs: int
    most: int
    program: tuple[str, ...]
    linked: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()
    spent: bool = False
    interrupted: bool = False

    @property
    def verdict(self) -> Literal["same", "cured", "diverged", "failed", "incomplete"]:
        if self.first is None or self.last is None:
            return "incomplete"
        if self.first.verdict != "diverged":
            return "same" if self.first.verdict == "same" else self.first.verdict
        if self.last.verdict == "same" and self.proof is not None and self.proof.verdict == "same":
            return "cured"
        return "incomplete" if self.interrupted or self.spent else "diverged"

    @property
    def exit_status(self) -> int:
        """What `samebits cure` exits with."""
        return {"same": 0, "cured": 0, "diverged": 1, "failed": 2, "incomplete": 2}[self.verdict]

    @property
    def command(self) -> tuple[str, ...] | None:
        """The command that makes what is controlled from outside so; None where nothing is."""
        if not self.control:
            return None
        names = [*(self.control.only or ()), *self.control.changes]
        return ("samebits", "run", "--only", ",".join(names), *self.program)

    def as_json(self) -> dict[str, Any]:
        """As docs/reference/cure.schema.json has it."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "verdict": self.verdict,
            "runs": self.runs,
            "most_runs": self.most,
            "first": self.first.as_json() if self.first else None,
            "left": self.last.as_json() if self.last and self.verdict in ("diverged", "incomplete") else None,
            "needed": [each.as_json() for each in self.needed],
            "patch": self.patch.decode("utf-8", "replace"),
            "command": list(self.command) if self.command else None,
            "proof": self.proof.as_json() if self.proof else None,
            "linked": list(self.linked),
            "touched": list(self.touched),
            "interrupted": self.interrupted,
            "spent": self.spent,
        }
