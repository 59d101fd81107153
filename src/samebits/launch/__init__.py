"""Starts any program under observation.  Imports no torch: what observes lives in the started process."""

from __future__ import annotations

from samebits.launch.program import Control as Control
from samebits.launch.program import Program as Program
from samebits.launch.verify import record as record
from samebits.launch.verify import verify as verify

__all__ = ["Control", "Program", "record", "verify"]
