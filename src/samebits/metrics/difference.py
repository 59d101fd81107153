"""By how much one metric of two runs differs: whether in any bit, since when, how fast it grows, how far it
gets.

Bits decide.  A distance in ulps counts the numbers of the metric's dtype between two values; both zeros are
one place, so zeros of two signs differ in bits and lie 0 ulp apart.  A NaN agrees with any NaN: what made it,
a log does not keep.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from samebits.metrics.pairs import paired
from samebits.metrics.series import Series

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: A difference of so many ulps or fewer is told in ulps.
FEW_ULPS: Final = 64
_LEAST: Final = 8  # points, for a rate of growth
_FIT: Final = 0.5  # of the variance that the line has to explain


@dataclass(frozen=True, slots=True)
class Point:
    """One step of both runs."""

    step: int
    a: float
    b: float

    @property
    def same(self) -> bool:
        """Whether no bit differs; any NaN agrees with any."""
        return repr(self.a) == repr(self.b)

    @property
    def distance(self) -> float:
        """|a - b|; NaN where either is no number."""
        return abs(self.a - self.b) if math.isfinite(self.a) and math.isfinite(self.b) else math.nan

    @property
    def relative(self) -> float:
        """The distance relative to the larger; NaN where either is no number, 0 where both are 0."""
        if math.isnan(distance := self.distance):
            return math.nan
        return distance / larger if (larger := max(abs(self.a), abs(self.b))) else 0.0

    def ulp(self, dtype: str) -> float:
        """How many numbers of a dtype lie between the two; NaN where either is no number."""
        import numpy as np

        if math.isnan(self.distance):
            return math.nan
        return float(ulps(np.array([self.a]), np.array([self.b]), dtype)[0])

    def as_json(self) -> dict[str, Any]:
        return {"step": self.step, "a": number(self.a), "b": number(self.b)}


@dataclass(frozen=True, slots=True)
class SeriesDifference:
    """How one metric of two runs differs.

    Attributes:
        points: how many values both logged.
        only: how many the first and the second logged alone.
        differing: how many differ in any bit.
        first, largest, relative, final: the first point that differs, the one that differs most, the one that
            differs most relative to its values, and the last of all.
        uneven: the first point at which one run alone has a number.
        ulp: the largest distance in ulps; None where nothing differs that is a number in both.
        ulp_step: the first step with that distance.
        growth: in how many steps the difference grows tenfold, from the first that differs to the largest;
            None where it does not grow like that.
        digits: how many significant digits were compared, where a log rounded.
    """

    name: str
    points: int
    only: tuple[int, int]
    dtype: Literal["float32", "float64"]
    differing: int = 0
    first: Point | None = None
    largest: Point | None = None
    relative: Point | None = None
    uneven: Point | None = None
    final: Point | None = None
    ulp: int | None = None
    ulp_step: int = 0
    growth: float | None = None
    digits: int | None = None

    @property
    def identical(self) -> bool:
        """Whether every value that both logged agrees in every bit that was kept."""
        return self.differing == 0

    @property
    def few_ulps(self) -> bool:
        """Whether it differs, and by so few ulps that these say it best."""
        return self.ulp is not None and self.uneven is None and self.ulp <= FEW_ULPS

    def apart(self, kind: str, at: str) -> tuple[float, int]:
        """How far the runs lie apart by a kind of `Tolerance`, and at which step; NaN: not in numbers.

        Args:
            kind: "relative", "absolute" or "ulp".
            at: "end" or "every": the largest of all.
        """
        if at == "every":
            if self.uneven is not None:
                return math.nan, self.uneven.step
            if kind == "ulp":
                return float(self.ulp or 0), self.ulp_step
            point = self.relative if kind == "relative" else self.largest
        else:
            point = self.final
        if point is None or point.same:
            return 0.0, point.step if point else 0
        if kind == "ulp":
            return point.ulp(self.dtype), point.step
        return (point.relative if kind == "relative" else point.distance), point.step

    def sentence(self) -> str:
        """What is to be said of it, such as "differs from step 41, grows tenfold every 12 steps, ..."."""
        if not self.points:
            return "no step in common"
        if self.first is None:
            kept = f" in the {self.digits} digits that the log kept" if self.digits else " to the bit"
            return f"identical{kept}, {_count(self.points, 'value')}"
        parts = [f"differs from step {self.first.step:,} on"]
        if self.differing < self.points:
            parts[0] += f" in {self.differing:,} of {_count(self.points, 'value')}"
        if self.few_ulps:
            parts.append(f"equal to {self.ulp} ulp")
        if self.growth is not None:
            parts.append(f"grows tenfold every {steps_in_words(self.growth)}")
        if self.uneven is not None and self.final is not None and self.uneven.step != self.final.step:
            parts.append(f"at step {self.uneven.step:,} {_end(self.uneven)}")
        if self.largest is not None:
            parts.append(f"at most {self.largest.distance:.3g} at step {self.largest.step:,}")
        if self.final is not None:
            parts.append(f"at the end {_end(self.final)}")
        return ", ".join(parts)

    def as_json(self) -> dict[str, Any]:
        return {
            "points": self.points,
            "only": list(self.only),
            "dtype": self.dtype,
            "digits": self.digits,
            "differing": self.differing,
            "first": self.first and self.first.as_json(),
            "largest": self.largest and self.largest.as_json(),
            "final": self.final and self.final.as_json(),
            "max_ulp": self.ulp,
            "growth": self.growth,
            "sentence": self.sentence(),
        }


def difference(a: Series, b: Series) -> SeriesDifference:
    """How one metric differs between two runs, over the steps that both logged, in ascending order."""
    import numpy as np

    steps, left, right = paired(a, b)
    if bool((np.diff(steps) < 0).any()):  # a log of a run that was resumed, or of several threads
        order = np.argsort(steps, kind="stable")
        steps, left, right = steps[order], left[order], right[order]
    dtype: Literal["float32", "float64"] = "float32" if a.dtype == b.dtype == "float32" else "float64"
    kept = [log.digits for log in (a, b) if log.digits is not None]
    found: dict[str, Any] = {"digits": min(kept) if kept else None}
    unequal = left.view(np.int64) != right.view(np.int64)
    unequal &= ~(np.isnan(left) & np.isnan(right))
    where = np.flatnonzero(unequal)
    if len(steps):
        found["final"] = _point(steps, left, right, -1)
    if len(where):
        finite = np.isfinite(left) & np.isfinite(right)
        with np.errstate(all="ignore"):
            gaps = np.where(finite, np.abs(left - right), 0.0)
            ratios = np.where(gaps > 0, gaps / np.maximum(np.abs(left), np.abs(right)), 0.0)
        numbers, others = where[finite[where]], where[~finite[where]]
        largest = int(gaps.argmax())
        found |= {
            "differing": len(where),
            "first": _point(steps, left, right, int(where[0])),
            "largest": _point(steps, left, right, largest) if gaps[largest] > 0 else None,
            "relative": _point(steps, left, right, int(ratios.argmax())) if gaps[largest] > 0 else None,
            "uneven": _point(steps, left, right, int(others[0])) if len(others) else None,
            "growth": _growth(steps, gaps, int(where[0]), largest),
        }
        if len(numbers):
            far = ulps(left[numbers], right[numbers], dtype)
            found |= {"ulp": int(far.max()), "ulp_step": int(steps[numbers[far.argmax()]])}
    return SeriesDifference(a.name, len(steps), (len(a) - len(steps), len(b) - len(steps)), dtype, **found)


def ulps(a: NDArray[np.float64], b: NDArray[np.float64], dtype: str) -> NDArray[np.uint64]:
    """How many numbers of a dtype lie between two finite values, element by element: uint64."""
    import numpy as np

    kind = np.float32 if dtype == "float32" else np.float64
    places = [_place((values + 0.0).astype(kind)) for values in (a, b)]
    found: NDArray[np.uint64] = np.maximum(*places) - np.minimum(*places)
    return found


def _place(values: Any) -> NDArray[np.uint64]:
    """The place of each number among all of its dtype; both zeros have one, since -0.0 + 0.0 is 0.0."""
    import numpy as np

    unsigned = np.uint32 if values.dtype == np.float32 else np.uint64
    bits = values.view(unsigned).astype(np.uint64)
    sign = np.uint64(1 << (8 * values.itemsize - 1))
    found: NDArray[np.uint64] = np.where(bits & sign, sign - (bits & (sign - np.uint64(1))), bits + sign)
    return found


def _point(steps: NDArray[np.int64], a: NDArray[np.float64], b: NDArray[np.float64], at: int) -> Point:
    return Point(int(steps[at]), float(a[at]), float(b[at]))


def _growth(steps: NDArray[np.int64], gaps: NDArray[np.float64], first: int, largest: int) -> float | None:
    """The steps in which the difference grows tenfold: the line through its logarithm, if that is one."""
    import numpy as np

    at = np.arange(first, largest + 1)
    at = at[(gaps[at] > 0) & np.isfinite(gaps[at])]
    if len(at) < _LEAST:
        return None
    x = steps[at].astype(np.float64)
    y = np.log10(gaps[at])
    x -= x.mean()
    spread = float(x @ x)
    slope = float(x @ y) / spread if spread else 0.0
    variance = float(((y - y.mean()) ** 2).sum())
    if slope <= 0 or variance == 0 or slope * slope * spread < _FIT * variance:
        return None
    return 1 / slope


def number(value: float) -> float | str:
    """A value as strict JSON has it: "nan", "inf" and "-inf" are words."""
    return value if math.isfinite(value) else str(value)


def _end(point: Point) -> str:
    if math.isnan(point.distance):
        return f"{point.a:.6g} and {point.b:.6g}"
    return f"{point.distance:.3g}" + (f" ({percent(point.relative)})" if point.distance else "")


def percent(share: float) -> str:
    """ "1.7 %", "100 %"."""
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"


def steps_in_words(count: float) -> str:
    """ "812 steps", "3,420 steps", "2.5 steps"."""
    count = float(f"{count:.3g}")
    return f"{count:,.0f} steps" if count >= 9.5 else f"{count:.2g} steps"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
