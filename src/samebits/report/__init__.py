"""Shows a verdict to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from samebits._runtime.lazy import lazy

if TYPE_CHECKING:
    from samebits.report.build import write_report as write_report
    from samebits.report.figure import plot as plot
    from samebits.report.terminal import print_verdict as print_verdict

__all__ = ["plot", "print_verdict", "write_report"]

if not TYPE_CHECKING:
    __getattr__ = lazy(
        __name__,
        {
            "plot": "samebits.report.figure",
            "print_verdict": "samebits.report.terminal",
            "write_report": "samebits.report.build",
        },
    )
