"""What a change did in a started process, and where, for whoever started it.

A change that looks for something in the program (an interval, a DataLoader) says here what it found.  Each
saying is a line of JSON in a file that the starter names in a variable; without it nothing is kept.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from samebits.control import places

#: Holds what the starter of a trial says to the changes in it, as JSON: `TrialPlan`.
VARIABLE: Final = "SAMEBITS_TRIAL"
_MOST: Final = 200  # sayings of one process


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """What a changed run is told: where to say what was changed, and what is known of the program.

    Attributes:
        file: where sayings go; "" for nowhere.
        steps: how many optimizer steps the program takes, as far as known.
        by_name: whether numbers are looked for by the names that they have in user code.
    """

    file: str = ""
    steps: int | None = None
    by_name: bool = True

    def to_json(self) -> str:
        return json.dumps({"file": self.file, "steps": self.steps, "by_name": self.by_name})

    @classmethod
    def here(cls) -> TrialPlan:
        """What this process was told."""
        try:
            data = json.loads(os.environ.get(VARIABLE, "{}"))
            return cls(data.get("file", ""), data.get("steps"), data.get("by_name", True))
        except (ValueError, AttributeError):
            return cls()


@dataclass(frozen=True, slots=True)
class Saying:
    """``what`` was changed at ``place`` ("train.py:12", or "" where it is no line)."""

    change: str
    what: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.what}, {self.place}" if self.place else self.what


_said: set[Saying] = set()


def tell(change: str, what: str, place: str | None = None) -> None:
    """Say what was changed, once for each place; by default the innermost line of user code."""
    saying = Saying(change, what, places.place() if place is None else place)
    if saying in _said or len(_said) >= _MOST:
        return
    _said.add(saying)
    if file := TrialPlan.here().file:
        line = json.dumps({"change": saying.change, "what": saying.what, "place": saying.place})
        with suppress(OSError), open(file, "a", encoding="utf-8") as there:
            there.write(f"{line}\n")  # in one write: other processes of the program say things, too


def read(file: Path) -> list[Saying]:
    """What was said, each once, in its order; a line that was cut short is left out."""
    found: dict[Saying, None] = {}
    with suppress(OSError):
        for line in file.read_text("utf-8", errors="replace").splitlines():
            with suppress(ValueError, KeyError, TypeError):
                data: Any = json.loads(line)
                found[Saying(data["change"], str(data["what"]), str(data["place"]))] = None
    return list(found)
