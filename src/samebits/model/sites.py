"""A place in the user's source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Site:
    """A place in the user's source.  ``file`` is relative to the run's working directory if under it."""

    file: str
    line: int
    function: str = "<module>"
    column: int | None = None  # from 1, in characters; known to whoever reads the source alone

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + (f":{self.column}" if self.column is not None else "")
