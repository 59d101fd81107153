"""The doctor's lines: one file a subject, one small function a line, each of rows of a manifest alone.

A line says what is in force, whether that is fine, why, and what mends it.  A function returns None where the
manifest has not the rows to say it: one of a record has less than the one that `samebits doctor` collects.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from samebits.manifest.lines import (
    algorithms,
    collectives,
    compiled,
    gpu,
    interpreter,
    processor,
    threads,
    tools,
)
from samebits.manifest.lines.line import DoctorLine, Facts

#: All lines, in the order in which they are shown.
LINES: Final[tuple[Callable[[Facts], DoctorLine | None], ...]] = (
    *interpreter.LINES,
    *algorithms.LINES,
    *threads.LINES,
    *processor.LINES,
    *gpu.LINES,
    *compiled.LINES,
    *collectives.LINES,
    *tools.LINES,
)
