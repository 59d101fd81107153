"""Shows a verdict to a person."""

from __future__ import annotations

from samebits.report.terminal import print_verdict as print_verdict

__all__ = ["print_verdict"]
