"""The verdict over what two or more runs logged, as a document.

A log says less than a record: its values, some of them rounded, and nothing of how they came about.  So this
verdict says what it rests on, and has a word of its own, "within", for runs that lie apart and no farther
than allowed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, Literal

from samebits._runtime.markup import card
from samebits.metrics.difference import SeriesDifference, number
from samebits.metrics.series import MetricLog

FORMAT: Final = "samebits.metrics"
VERSION: Final = 1
Word = Literal["same", "within", "diverged", "incomplete"]


@dataclass(frozen=True, slots=True)
class LastValues:
    """The last values of a metric over several runs: at the last step that all logged.

    Where there is no such step, as many as logged it, each its own last.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Exact, then rounded: that of equal values is one of them.  NaN where one is no number."""
        if not self.values or not all(map(math.isfinite, self.values)):
            return math.nan
        return float(sum(map(Fraction, self.values)) / len(self.values))

    @property
    def sd(self) -> float:
        """The standard deviation of a sample: over n - 1."""
        if len(self.values) < 2:
            return math.nan
        mean = self.mean
        return math.hypot(*(value - mean for value in self.values)) / math.sqrt(len(self.values) - 1)

    def as_json(self) -> dict[str, Any]:
        names = ("mean", "sd")
        found = {name: number(getattr(self, name)) for name in names}
        return {"values": [number(value) for value in self.values], **found}


@dataclass(frozen=True, slots=True)
class MetricVerdict:
    """One metric: how each further run differs from the first, and whether that is allowed.

    Attributes:
        word: "identical": no bit differs; "within": no more than allowed; "differs"; "missing": not enough of
            it is there to say.
        why: what is missing, or by how much the tolerance is passed; empty otherwise.
    """

    name: str
    word: Literal["identical", "within", "differs", "missing"]
    differences: tuple[SeriesDifference, ...]
    spread: LastValues
    why: str = ""

    def sentence(self) -> str:
        """Of the run that differs first, or, where none does, of the first other run."""
        found = min(
            (one for one in self.differences if one.first is not None),
            key=lambda one: one.first.step if one.first else 0,
            default=self.differences[0],
        )
        text = found.sentence()
        if len(self.spread.values) > 2:
            mean, sd = self.spread.mean, self.spread.sd
            text += f"; last values {mean:.6g} ± {sd:.2g}" if found.first is not None else ""
        return f"{text}; {self.why}" if self.why else text

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "verdict": self.word,
            "why": self.why or None,
            "differences": [one.as_json() for one in self.differences],
            "spread": self.spread.as_json(),
            "sentence": self.sentence(),
        }


@dataclass(frozen=True, slots=True)
class MetricsVerdict:
    """Whether what runs logged agrees.

    "same": every value that all logged agrees in every bit that the logs kept.  "within": it does not, and
    lies as near as was asked for.  "diverged": it lies farther apart.  "incomplete": what was compared
    agrees, and something is missing.
    """

    verdict: Word
    logs: tuple[MetricLog, ...]
    metrics: tuple[MetricVerdict, ...] = ()
    tolerance: str | None = None  # what was allowed, in words
    notes: tuple[str, ...] = ()
    reason: str | None = None  # what is missing, in a sentence
    alone: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # metric -> the logs that have it

    @property
    def exit_status(self) -> int:
        """What a command that shows this verdict exits with."""
        return {"same": 0, "within": 0, "diverged": 1, "incomplete": 2}[self.verdict]

    @property
    def first(self) -> MetricVerdict | None:
        """The metric that differs first in time; of several, the first that a log has."""
        apart = [one for one in self.metrics if one.word in ("differs", "within")]
        return min(apart, key=_first_step, default=None)

    @property
    def headline(self) -> str:
        """The verdict in one line, after its word.  It may hold text from the logs."""
        if self.verdict == "incomplete":
            return self.reason or "something is missing"
        if self.verdict == "same":
            return f"every value agrees: {self.compared.rstrip('.')}"
        if self.verdict == "within":
            return f"every metric lies within {self.tolerance}"
        if self.tolerance is not None:
            apart = sum(metric.word == "differs" for metric in self.metrics)
            return f"{apart} of {len(self.metrics)} metrics not within {self.tolerance}"
        assert self.first is not None
        return f"{self.first.name} differs first, at step {_first_step(self.first):,}"

    def _repr_html_(self) -> str:
        """For notebooks."""
        rows: list[tuple[str, object]] = [(one.name, one.sentence()) for one in self.metrics[:12]]
        rows.append(("compared", self.compared))
        rows += [("note", note) for note in self.notes[:6]]
        return card(self.verdict, self.headline, rows)

    @property
    def compared(self) -> str:
        """What was compared, in words."""
        if not self.metrics:
            return "no metric that all logs have."
        points = sum(one.points for metric in self.metrics for one in metric.differences)
        kinds = " and ".join(dict.fromkeys(log.kind for log in self.logs))
        names = "1 metric" if len(self.metrics) == 1 else f"{len(self.metrics):,} metrics"
        words = f"{names} of {len(self.logs)} logs ({kinds}), {points:,} value{'' if points == 1 else 's'}."
        digits = [one.digits for m in self.metrics for one in m.differences if one.digits is not None]
        if digits:
            words += f" Logs that round keep {min(digits)} digits or more; what lies below was not compared."
        return words

    def as_json(self) -> dict[str, Any]:
        """The document, described in docs/reference/metrics.md."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "verdict": self.verdict,
            "logs": [_log(log) for log in self.logs],
            "compared": self.compared,
            "tolerance": self.tolerance,
            "metrics": [metric.as_json() for metric in self.metrics],
            "alone": {name: list(logs) for name, logs in self.alone.items()},
            "notes": list(self.notes),
            "reason": self.reason,
        }


def _first_step(metric: MetricVerdict) -> int:
    return min((one.first.step for one in metric.differences if one.first is not None), default=0)


def _log(log: MetricLog) -> dict[str, Any]:
    names: Sequence[str] = sorted(log.series)
    return {
        "name": log.name,
        "path": str(log.path),
        "kind": log.kind,
        "metrics": list(names),
        "timing": list(log.timing),
        "problems": list(log.problems),
    }
