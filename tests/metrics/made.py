"""Series and logs made of the numbers that a test gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from samebits.metrics import MetricLog, Series


def series(values: Sequence[float], steps: Sequence[int] | None = None, **more: Any) -> Series:
    at = np.arange(len(values)) if steps is None else np.array(steps)
    name = more.pop("name", "loss")
    return Series(name, at.astype(np.int64), np.array(values, np.float64), **more)


def log(name: str = "a", problems: Sequence[str] = (), **metrics: Series | Sequence[float]) -> MetricLog:
    """A log of metrics by name; what is no series yet is one value a step."""
    made = {
        key: Series(key, given.steps, given.values, given.dtype, given.digits, given.axis)
        if isinstance(given, Series)
        else series(given, name=key)
        for key, given in metrics.items()
    }
    return MetricLog(name, Path(name), "CSV", made, problems=tuple(problems))
