"""What a trial of resuming found, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from samebits.model.sites import Site

FORMAT: Final = "samebits.resume"
VERSION: Final = 1

Word = Literal["complete", "loses", "incomplete", "failed"]
#: The kinds of state that may be missing, as the document names them, and in words.
KINDS: Final = {
    "python-generator": "Python's random generator",
    "numpy-generator": "numpy's random generator",
    "torch-generator": "torch's random generator",
    "generator-object": "a generator object",
    "augmentation": "the generator of an augmentation library",
    "worker-streams": "the random streams of loader workers",
    "loader-position": "the place in the data",
    "sampler-epoch": "the sampler's epoch",
    "scheduler": "the learning-rate scheduler",
    "optimizer": "the optimizer's state",
    "scaler": "the gradient scaler",
    "ema": "an averaged model (EMA)",
    "gradients": "gradients that were being gathered",
    "buffers": "the model's buffers",
    "model-part": "a part of the model",
    "frozen": "which parameters are trained",
    "counter": "a counter",
    "data": "data that is made at the start",
    "value": "a value that the loop carries on",
}


@dataclass(frozen=True, slots=True)
class Missing:
    """One state that the resumed run does not have as the whole run had it.

    how: "not saved"; "not loaded": it is in the checkpoint; "changed": it was loaded, and is another then
    """

    kind: str
    name: str
    how: Literal["not saved", "not loaded", "changed"]
    evidence: str
    fix: str
    saved_at: Site | None = None
    loaded_at: Site | None = None
    key: str | None = None  # in the checkpoint


@dataclass(frozen=True, slots=True)
class Trial:
    """One kill and one restart.

    killed_after: optimizer steps that the interrupted run had done
    resumed_at: how many the checkpoint had; the resumed run's first step is this one of the whole run
    parts_at: the first step, of the whole run, whose bits differ
    """

    word: Word
    kill: str
    killed_after: int
    resumed_at: int | None = None
    steps: int = 0  # that the resumed run took
    parts_at: int | None = None
    parts_in: str | None = None
    missing: tuple[Missing, ...] = ()
    reason: str | None = None
    checkpoint: str | None = None
    runs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resumed:
    """The verdict of `samebits resume`."""

    word: Word
    steps: int  # of the whole run
    seconds: float  # of the whole run
    trials: tuple[Trial, ...]
    reason: str | None = None
    notes: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    asked: int = 0  # trials that were asked for
    interrupted: bool = field(default=False)

    @property
    def exit_status(self) -> int:
        """0 complete, 1 a state is lost, 2 otherwise."""
        return {"complete": 0, "loses": 1}.get(self.word, 2)

    @property
    def missing(self) -> tuple[Missing, ...]:
        """The states that any trial found missing, each once."""
        found: dict[tuple[str, str], Missing] = {}
        for trial in self.trials:
            for one in trial.missing:
                found.setdefault((one.kind, one.name), one)
        return tuple(found.values())

    def as_json(self) -> dict[str, Any]:
        """The document of docs/reference/resume.schema.json."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "verdict": self.word,
            "reason": self.reason,
            "steps": self.steps,
            "seconds": round(self.seconds, 3),
            "missing": [_missing(one) for one in self.missing],
            "trials": [_trial(trial) for trial in self.trials],
            "asked": self.asked,
            "interrupted": self.interrupted,
            "notes": list(self.notes),
            "runs": list(self.runs),
        }


def _trial(trial: Trial) -> dict[str, Any]:
    return asdict(trial) | {
        "missing": [_missing(one) for one in trial.missing],
        "runs": list(trial.runs),
    }


def _missing(one: Missing) -> dict[str, Any]:
    sites = {
        name: None if site is None else str(site)
        for name, site in (("saved_at", one.saved_at), ("loaded_at", one.loaded_at))
    }
    return asdict(one) | sites


def worst(trials: Sequence[Trial]) -> Word:
    """The word for all of them: a loss weighs more than a failure, and that more than the others."""
    words = {trial.word for trial in trials}
    for word in ("loses", "failed", "incomplete"):
        if word in words:
            return word
    return "complete"
