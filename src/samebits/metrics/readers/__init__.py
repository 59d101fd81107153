"""A file a format.  Formats are found by listing this folder: adding one is adding a file.

Every module here whose name has no leading underscore is a `LogReader`.  A folder may look like several
formats (it may hold events and a CSV side by side), so they are asked in the order of `ORDER`: what only one
logger writes comes first, and what anyone may write, a CSV, comes last.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from samebits.metrics.scalars import Scalars


class LogReader(Protocol):
    """What a module here offers."""

    #: Whose logs it reads, as `MetricLog.kind` says it.
    KIND: str
    #: When it is asked; the smallest first.
    ORDER: int

    def found(self, path: Path) -> bool:
        """Whether this file or folder is such a log: cheap, and never raises."""

    def read(self, path: Path) -> Scalars:
        """All that can be read of it.

        Raises:
            RecordError: it is none after all, or nothing of it can be read.
            OSError: the file system gives it not.
        """


@cache
def readers() -> tuple[LogReader, ...]:
    """All of them, the most specific first."""
    found = [
        cast("LogReader", import_module(f"{__name__}.{module.name}"))
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    ]
    return tuple(sorted(found, key=lambda reader: reader.ORDER))
