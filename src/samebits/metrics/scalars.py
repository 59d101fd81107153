"""What a reader collects: steps and values by name, and what it could not read; then one series of each.

Two things are decided here for every format.  Of which type the numbers were: float32 if each is one exactly.
And whether the log rounded them, as only one that is written in decimals can:

- A series has d digits if no shortest decimal of its values has more than d significant ones.
- Up to 7, it was rounded to d digits, if at least four different values are no binary fractions.  Whole
  numbers, 0.5, and a rate that somebody typed say nothing about the log.  Nor do values of one digit each.
- With 8 or 9, they are float32 as printed, if each is the shortest decimal of one: that float32 is the value.
  Else 8 digits are rounded like 7 are, and 9 are taken as they are.
"""

from __future__ import annotations

from array import array
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from samebits.metrics.series import Axis, Series

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Steps beyond are none that a training reaches, and no float64 tells them apart.
LARGEST_STEP: Final = 1 << 53

_SHOWS_ROUNDING: Final = 4  # different values that are no binary fractions
_ROUNDED: Final = 8  # digits, at most
_FLOAT32: Final = 9  # digits that are enough for every float32

Type = Literal["float32", "float64"]


class Scalars:
    """Steps and values by name.

    Args:
        decimal: whether the log has its values in decimals, which may be rounded.
    """

    def __init__(self, *, decimal: bool = False) -> None:
        self._decimal = decimal
        self._columns: dict[str, tuple[array[int], array[float]]] = {}
        self._types: dict[str, Type] = {}
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.axis: Axis = "step"
        self.sampled: set[str] = set()  # names

    def add(self, name: str, step: int, value: float) -> None:
        """One value; a step is an int64."""
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = (array("q"), array("d"))
        column[0].append(step)
        column[1].append(value)

    def extend(self, name: str, steps: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """As many values as steps."""
        column = self._columns.setdefault(name, (array("q"), array("d")))
        column[0].frombytes(steps.astype(np.int64).tobytes())
        column[1].frombytes(values.astype(np.float64).tobytes())

    def set_dtype(self, name: str, dtype: Type) -> None:
        """The type of a metric, where the log says it."""
        self._types[name] = dtype

    def names(self) -> list[str]:
        """In the order of first appearance."""
        return list(self._columns)

    def series(self, name: str) -> Series:
        """The metric of a name."""
        columns = self._columns[name]
        steps, values = np.array(columns[0], np.int64), np.array(columns[1], np.float64)
        digits = None
        if self._decimal:
            values, digits = unrounded(values)
        dtype = self._types.get(name) or dtype_of(values)
        return Series(name, steps, values, dtype, digits, self.axis, name in self.sampled)


def dtype_of(values: NDArray[np.float64]) -> Type:
    """float32 if every finite value is one exactly."""
    finite = values[np.isfinite(values)]
    with np.errstate(over="ignore", under="ignore"):
        return "float32" if bool((finite.astype(np.float32) == finite).all()) else "float64"


def unrounded(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], int | None]:
    """The values that a text means, and how many digits the log kept of them; None: all."""
    different: set[float] = set()
    most = 0
    for value in values[np.isfinite(values)].tolist():
        if value in different:
            continue
        digits = significant(value)
        if digits > _FLOAT32:
            return values, None
        most = max(most, digits)
        different.add(value)
    inexact = [value for value in different if Decimal(value) != Decimal(repr(value))]
    if most < 2 or len(inexact) < _SHOWS_ROUNDING:
        return values, None
    if most >= _ROUNDED and all(_is_float32(value) for value in different):
        return values.astype(np.float32).astype(np.float64), None
    return values, most if most <= _ROUNDED else None


def significant(value: float) -> int:
    """The significant digits of the shortest decimal: two of 0.012 and of 1.2e+30."""
    return len(repr(value).partition("e")[0].replace(".", "").strip("-0"))


def _is_float32(value: float) -> bool:
    """Whether a value's decimal is the shortest of a float32."""
    with np.errstate(over="ignore", under="ignore"):
        return float(str(np.float32(value))) == value
