"""What a remedy costs in time: steps with it beside steps without it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from samebits.errors import RecordError
from samebits.model.events import PACE
from samebits.record.run import Run

#: Fewer steps than this are too few to say anything.
_STEPS: Final = 8
#: An interval wider than this, as a part of the step, says nothing.
_WIDE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Cost:
    """By how much a step takes longer, as a part of it; the interval is that of all pairs of runs.

    None: it cannot be told, since steps are too few, or the runs differ among themselves as much.
    """

    change: float
    low: float
    high: float

    @property
    def told(self) -> bool:
        """Whether it is more, or less, than nothing."""
        return (self.low > 0 or self.high < 0) and self.high - self.low <= _WIDE

    def __str__(self) -> str:
        interval = f"{self.low:+.1%} to {self.high:+.1%}"
        return f"{self.change:+.1%} a step ({interval})" if self.told else f"inconclusive ({interval})"

    def as_json(self) -> dict[str, Any]:
        return {
            "change": round(self.change, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "told": self.told,
        }


def cost(
    without: Sequence[Sequence[float]], with_it: Sequence[Sequence[float]], noise: float = 0.0
) -> Cost | None:
    """What a remedy costs, from seconds a step of several runs without it, and of several with it.

    Each run has its median step; the ratio of two is one pair, and all pairs give the interval.  It is never
    narrower than the noise: two runs may agree by chance while the machine does other work.
    """
    if not all(len(seconds) >= _STEPS for seconds in (*without, *with_it)) or not (without and with_it):
        return None
    ratios = sorted(median(b) / median(a) - 1 for a in without for b in with_it if median(a) > 0)
    if not ratios:
        return None
    middle = median(ratios)
    low, high = (1 + middle) / (1 + noise) - 1, (1 + middle) * (1 + noise) - 1
    return Cost(middle, min(ratios[0], low), max(ratios[-1], high))


def noise(sets: Iterable[Sequence[Sequence[float]]]) -> float:
    """By how much the median steps of two runs of one set differ at most, as a part of a step."""
    medians = ([median(seconds) for seconds in runs if len(seconds) >= _STEPS] for runs in sets)
    return max((max(some) / min(some) - 1 for some in medians if some and min(some) > 0), default=0.0)


def step_seconds(out: Path, runs: Sequence[str]) -> list[list[float]]:
    """Seconds a step of each kept run: of the process that took most steps."""
    found = []
    for name in runs:
        try:
            with Run.open(out / name) as run:
                paces = [record.notes.get(PACE) for record in run.records.values()]
        except RecordError:
            continue
        known = [pace for pace in paces if isinstance(pace, list)]
        if known:
            found.append(max(known, key=len))
    return found
