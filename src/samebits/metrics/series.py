"""One metric of one run over its steps, and all the metrics that one log holds: plain data.

Whoever wrote the log, its numbers end up here.  What a log says is all that is known of a run: a value that
was rounded when it was written is compared as it was rounded, and ``digits`` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Metrics of a record.  Where a program has several, a name goes on after a space: "loss train.py:9".
LOSS: Final = "loss"
NORM: Final = "gradient norm"

Axis = Literal["step", "epoch", "row"]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One metric: as many values as steps, in the order in which they were logged.

    A step may come more than once (a run that was resumed, a metric logged twice a step).

    Attributes:
        name: as the log has it: "train/loss".
        steps: int64, shape (n,).
        values: float64, shape (n,); every float32 is one exactly.
        dtype: what the values were when they were logged: "float32" if each is one exactly, else "float64".
            One ulp is one of this type.
        digits: how many significant digits the log kept, where it rounded; None: every bit.
        axis: what ``steps`` counts; "row": the log does not say, and its rows were counted.
        sampled: whether it was read at some steps alone, so that a step that is not there is not missing.
    """

    name: str
    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    dtype: Literal["float32", "float64"] = "float64"
    digits: int | None = None
    axis: Axis = "step"
    sampled: bool = False

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True, slots=True, eq=False)
class MetricLog:
    """What one run logged.

    Attributes:
        name: as it is shown: what the user typed.
        path: the file or folder that was read.
        kind: whose it is: "record", "TensorBoard", "CSV", "JSON lines", "transformers", "MLflow", "wandb".
        series: by name, in the order of first appearance.
        timing: names that were left out, since they measure time: two runs never agree in them.
        problems: what could not be read, a line each; the rest is here all the same.
        notes: what else is to be known of how it was read, a line each.
    """

    name: str
    path: Path
    kind: str
    series: Mapping[str, Series] = field(default_factory=dict)
    timing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def is_one(name: str, what: str) -> bool:
    """Whether a metric is `LOSS`, or `NORM`, or one of several."""
    return name == what or name.startswith(f"{what} ")
