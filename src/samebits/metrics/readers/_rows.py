"""Numbers by row and name, as a CSV and JSON lines have them; one of the names is the step.

The step is the first of `AXES` that the log has and whose every value is a whole number.  A row without it
has that of the row before it: an evaluation is logged after a step.  Without an axis, the rows are counted
from 0.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from samebits.metrics.scalars import LARGEST_STEP, Scalars
from samebits.record.store import shown

#: What the step of a log is called, in small letters; the finest first.
AXES: Final = (
    "step",
    "global_step",
    "_step",
    "trainer/global_step",
    "num_updates",
    "iteration",
    "iter",
    "it",
    "timesteps_total",
    "time/total_timesteps",
    "training_iteration",
    "round",
    "epoch",
)
_LISTED: Final = 5  # names in a note
#: Those that count passes over the data.
EPOCHS: Final = ("epoch", "round")


class LoggedRows:
    """Rows of numbers, kept by name; and what is no number, so that nothing is left out without a word."""

    def __init__(self) -> None:
        self._columns: dict[str, tuple[array[int], array[float]]] = {}
        self._other: dict[str, str] = {}  # name -> the first value that is no number
        self._rounded: dict[str, None] = {}  # names of whole numbers that no float64 is
        self.count = 0

    def add(self, name: str, value: float) -> None:
        """A number of the present row."""
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = (array("q"), array("d"))
        column[0].append(self.count)
        column[1].append(value)

    def add_text(self, name: str, text: str, value: float | None) -> None:
        """A number of the present row as it is written; or, if it is none, what is there instead."""
        if value is None:
            self._other.setdefault(name, text)
            return
        if abs(value) >= LARGEST_STEP and text.lstrip("+-").isdigit() and int(text) != int(value):
            self._rounded[name] = None
        self.add(name, value)

    def add_object(self, found: Mapping[str, Any]) -> None:
        """The numbers of a JSON object as the present row."""
        for name, value in leaves(found):
            if value is None or value == []:
                continue
            text = value if isinstance(value, str) else json.dumps(value)
            self.add_text(name, text, as_number(value))

    def fill(self, scalars: Scalars) -> None:
        """Give what was collected, the axis aside, its steps."""
        axis = self._axis(scalars)
        scalars.axis = "row" if axis is None else "epoch" if axis.lower() in EPOCHS else "step"
        steps = np.arange(self.count) if axis is None else self._steps(axis)
        for name, (rows, values) in self._columns.items():
            if name != axis:
                scalars.extend(name, steps[np.array(rows, np.int64)], np.array(values))
        for name, text in self._other.items():
            if name in self._columns:
                scalars.problems.append(
                    f"{shown(name)}: values that are no plain numbers are left out, such as {shown(text)!r}"
                )
        words = [name for name in self._other if name not in self._columns]
        if words:
            some = ", ".join(map(shown, words[:_LISTED])) + (", ..." if len(words) > _LISTED else "")
            scalars.notes.append(f"left out, since they are no numbers: {some}")
        for name in self._rounded:
            scalars.problems.append(
                f"{shown(name)}: whole numbers beyond 2**53 were read as the nearest float64"
            )

    def _axis(self, scalars: Scalars) -> str | None:
        names = {name.lower(): name for name in reversed(self._columns)}
        refused = []
        for axis in AXES:
            if axis not in names:
                continue
            name = names[axis]
            values = np.array(self._columns[name][1])
            if np.all((np.abs(values) <= LARGEST_STEP) & (values == np.floor(values))):
                return name
            refused.append(name)
        if refused:
            scalars.notes.append(
                f"rows are counted as steps, since {shown(refused[0])} does not hold whole numbers alone"
            )
        return None

    def _steps(self, axis: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The step of each row."""
        rows, values = self._columns[axis]
        steps = np.zeros(self.count, np.int64)
        at = np.array(rows, np.int64)
        if len(at):
            last = np.searchsorted(at, np.arange(self.count), side="right") - 1
            steps = np.where(last >= 0, np.array(values).astype(np.int64)[last], steps)
        return steps


def leaves(found: Mapping[str, Any], separator: str = "/", depth: int = 16) -> Iterator[tuple[str, Any]]:
    """The values of a JSON object; those of objects in it are named "outer/inner".

    What a wandb object (`_type`) says of a picture or a histogram is none.
    """
    for name, value in found.items():
        if not isinstance(value, Mapping):
            yield name, value
        elif depth and "_type" not in value:
            for inner, single in leaves(value, separator, depth - 1):
                yield f"{name}{separator}{inner}", single


def as_number(value: Any) -> float | None:
    """A JSON value as a number.  JSON has no NaN, so some write it, or every number, as a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (OverflowError, ValueError):  # an integer of hundreds of digits; a text
        return None
