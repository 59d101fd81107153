"""Starts any program under observation or control.  Imports no torch: the started process does."""

from __future__ import annotations

from samebits.control.settings import Control as Control
from samebits.launch.program import Program as Program
from samebits.launch.verify import record as record
from samebits.launch.verify import verify as verify

__all__ = ["Control", "Program", "record", "verify"]
