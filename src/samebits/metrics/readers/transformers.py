"""The trainer_state.json of Hugging Face's Trainer: what it logged up to a checkpoint.

In a folder of checkpoints the last one's is read: each holds all that came before it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from samebits.errors import RecordError
from samebits.metrics.readers._files import content, head, is_file, listed, parsed
from samebits.metrics.readers._rows import LoggedRows
from samebits.metrics.scalars import Scalars
from samebits.record.store import shown

KIND: Final = "transformers"
ORDER: Final = 20

NAME: Final = "trainer_state.json"
_CHECKPOINT: Final = re.compile(r"checkpoint-(\d{1,18})")


def found(path: Path) -> bool:
    return _file(path) is not None


def _file(path: Path) -> Path | None:
    if is_file(path):
        named = path.name == NAME or (path.suffix == ".json" and b'"log_history"' in head(path, 1 << 16))
        return path if named else None
    if is_file(path / NAME):
        return path / NAME
    steps = [int(number[1]) for name in listed(path) if (number := _CHECKPOINT.fullmatch(name))]
    files = (path / f"checkpoint-{step}" / NAME for step in sorted(steps, reverse=True))
    return next(filter(is_file, files), None)


def read(path: Path) -> Scalars:
    file = _file(path)
    if file is None:
        raise RecordError(f"{shown(path)} holds no {NAME} any more")
    try:
        state = parsed(content(file))
    except ValueError as error:
        raise RecordError(f"{shown(file)} is damaged or cut off: it is no JSON ({shown(error)})") from error
    rows = state.get("log_history") if isinstance(state, dict) else None
    if not isinstance(rows, list):
        raise RecordError(f"{shown(file)} has no log_history, as a {NAME} of transformers has")
    scalars, kept = Scalars(decimal=True), LoggedRows()
    wrong = 0
    for row in rows:
        if not isinstance(row, dict):
            wrong += 1
            continue
        kept.add_object(row)
        kept.count += 1
    if wrong:
        scalars.problems.append(f"{shown(file.name)}: entries that are no objects are left out: {wrong:,}")
    kept.fill(scalars)
    return scalars
