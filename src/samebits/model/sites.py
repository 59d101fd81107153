"""A place in the user's source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Site:
    """A place in the user's source.  ``file`` is relative to the run's working directory if under it."""

    file: str
    line: int
    function: str = "<module>"
