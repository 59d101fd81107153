"""A run in a file store of MLflow: a folder with meta.yaml, and in metrics/ a file a metric.

A line is "timestamp value step", or before MLflow 1.0 without the step.  Each is written whole, with its end.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from samebits.errors import RecordError
from samebits.metrics.readers._files import is_file, is_folder, lines
from samebits.metrics.scalars import LARGEST_STEP, Scalars
from samebits.record.store import shown

KIND: Final = "MLflow"
ORDER: Final = 40

_DEPTH: Final = 16
_FILES: Final = 100_000


def found(path: Path) -> bool:
    return is_file(path / "meta.yaml") and is_folder(path / "metrics")


def read(path: Path) -> Scalars:
    scalars = Scalars(decimal=True)
    root = path / "metrics"
    for name in _names(root, scalars):
        _metric(root / name, name, scalars)
    return scalars


def _names(root: Path, scalars: Scalars) -> list[str]:
    """The metrics; one named "train/loss" is a file in a folder."""
    found = []

    def unlisted(error: OSError) -> None:
        scalars.problems.append(f"cannot list a folder of metrics: {shown(error)}")

    for folder, folders, files in os.walk(root, onerror=unlisted):
        inside = Path(folder).relative_to(root)
        if len(inside.parts) >= _DEPTH:
            folders.clear()
        found += [str(inside / file) for file in files]
        if len(found) > _FILES:
            scalars.problems.append(f"only {_FILES:,} metrics are shown")
            break
    return sorted(found)[:_FILES]


def _metric(file: Path, name: str, scalars: Scalars) -> None:
    shown_name = shown(f"metrics/{name}")
    plain = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    wrong: list[int] = []
    try:
        for number, line in enumerate(lines(file, scalars), 1):
            if not line.endswith("\n"):
                scalars.problems.append(
                    f"{shown_name}: cut off in line {number:,}; the lines before it are shown"
                )
                break
            parts = line.split()
            if not parts:
                continue
            try:
                value, step = float(parts[1]), int(parts[2]) if len(parts) > 2 else number - 1
            except (ValueError, IndexError):
                wrong.append(number)
                continue
            if abs(step) > LARGEST_STEP:
                wrong.append(number)
                continue
            scalars.add(plain, step, value)
    except (OSError, RecordError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        scalars.problems.append(f"{shown_name}: cannot be read: {shown(why)}")
    if wrong:
        scalars.problems.append(
            f'{shown_name}: lines that are no "timestamp value step" are left out: {len(wrong):,},'
            f" the first is line {wrong[0]:,}"
        )
