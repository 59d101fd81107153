"""Memory that a program asks for and never fills is NaN: it should reach no result."""

from __future__ import annotations

from samebits.control import unfilled
from samebits.control.change import Change

CHANGES = (
    Change(
        name="nan-memory",
        what="memory of torch.empty filled with NaN",
        why="memory is read that nothing was written to: torch.empty gives what lay there before.",
        install=unfilled.install_nan,
        cause="uninitialized-memory",
    ),
)
