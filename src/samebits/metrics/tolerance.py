"""How far runs may lie apart for those who want statistics rather than bits: "1%", "0.01", "4ulp", "2sd"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, Literal

from samebits.errors import UsageError

_KINDS: Final = ("relative", "absolute", "ulp", "sd")
_GIVEN: Final = re.compile(r"\s*([0-9.eE+-]+)\s*(%|ulp|ulps|sd|)\s*")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What is allowed.

    "relative": a share of the larger of the two values, 0.01 is 1 %.  "absolute": in the metric's own unit.
    "ulp": units in the last place of the metric's dtype.  "sd": standard deviations of a set of runs, from
    their mean.
    """

    kind: Literal["relative", "absolute", "ulp", "sd"]
    amount: float

    def __post_init__(self) -> None:
        if self.kind not in _KINDS or not 0 <= self.amount < math.inf:
            raise UsageError(
                f"a tolerance is of a kind of {', '.join(_KINDS)} and of at least 0, "
                f"got {self.kind!r} and {self.amount!r}"
            )

    @classmethod
    def parse(cls, text: str) -> Tolerance:
        """What a person typed.

        Raises:
            UsageError: it is none of the four forms, or negative.
        """
        match = _GIVEN.fullmatch(text)
        try:
            amount = float(match[1]) if match else math.nan
        except ValueError:
            amount = math.nan
        if match is None or not 0 <= amount < math.inf:
            raise UsageError(
                f"{text!r} is no tolerance; give one of 1% (of the value), 0.01 (in the metric's unit), "
                "4ulp, 2sd (standard deviations of a set of runs)"
            )
        unit = match[2]
        if unit == "%":
            return cls("relative", amount / 100)
        if unit == "sd":
            return cls("sd", amount)
        return cls("ulp" if unit else "absolute", amount)

    def __str__(self) -> str:
        if self.kind == "relative":
            return f"{100 * self.amount:g} %"
        unit = {"absolute": "", "ulp": " ulp", "sd": " sd"}[self.kind]
        return f"{self.amount:g}{unit}"
