"""Determinism: what must be set before a program starts, and in it, for equal bits.

`deterministic` is the mode; it installs the replacements of `samebits.ops`, which know no mode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from samebits._runtime.lazy import lazy

if TYPE_CHECKING:
    from samebits.determinism.environment import deterministic_environment as deterministic_environment
    from samebits.determinism.locks import PinWarning as PinWarning
    from samebits.determinism.mode import NondeterminismWarning as NondeterminismWarning
    from samebits.determinism.mode import deterministic as deterministic

_HOMES = {
    "NondeterminismWarning": "samebits.determinism.mode",
    "PinWarning": "samebits.determinism.locks",
    "deterministic": "samebits.determinism.mode",
    "deterministic_environment": "samebits.determinism.environment",
}

__all__ = ["NondeterminismWarning", "PinWarning", "deterministic", "deterministic_environment"]

__getattr__ = lazy(__name__, _HOMES, after_torch=_HOMES.keys() - {"deterministic_environment"})
