"""Checkpoints that an earlier run left in the working folder: a program that goes on by itself finds them.

They are in the mirror, too.  Which they are shows in the whole run: it loads them before its first step and
saves beside them; then they are taken out of the mirror, and it is run again.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from samebits.trials.resume.history import History


def found(whole: History) -> tuple[str, ...]:
    """Paths in the working folder of what a whole run went on from; none of data, nor what it made itself."""
    loads, made = list[str](), set[str | None]()
    for fact in whole.checkpoints:
        if fact.step > 0:
            break
        if fact.detail.action == "load" and fact.detail.path and fact.detail.path not in made:
            loads.append(fact.detail.path)
        elif fact.detail.action == "save":
            made.add(fact.detail.path)
    saves = {fact.detail.path for fact in whole.saves() if fact.detail.path}
    hidden: dict[str, None] = {}
    for load in loads:
        for save in saves:
            place = _beside(load, save)
            if place is not None:
                hidden.setdefault(place)
    return tuple(hidden)


def _beside(load: str, save: str) -> str | None:
    """What is to be taken away so that ``load`` is not found, if ``save`` is of the same kind."""
    if os.path.isabs(load) or os.path.isabs(save):
        return None  # it lies elsewhere, or is data
    if load == save or _pattern(load) == _pattern(save):
        parts, others = load.split(os.sep), save.split(os.sep)
        number = next((n for n, (a, b) in enumerate(zip(parts, others, strict=False)) if a != b), None)
        return os.path.join(*parts[: len(parts) if number is None else number + 1])
    return None


def _pattern(path: str) -> str:
    return re.sub(r"\d+", "#", path)


def take_out(folder: Path, paths: Iterable[str]) -> list[str]:
    """Remove paths from a mirror; those that are really elsewhere stay, and are returned."""
    kept = []
    base = folder.resolve()
    for path in paths:
        place = folder / path
        if not place.parent.resolve().is_relative_to(base):
            kept.append(path)
        elif place.is_symlink() or place.is_file():
            place.unlink()
        elif place.is_dir():
            shutil.rmtree(place)
    return kept
