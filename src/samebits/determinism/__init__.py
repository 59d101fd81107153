"""Determinism: what must be set before a program starts, and in it, for equal bits.

`deterministic` is the mode; it installs the replacements of `samebits.ops`, which know no mode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

_load = lazy(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES and name != "deterministic_environment":
        # Where torch's import begins the mode (`samebits run`), our own modules must not be half loaded.
        import torch  # noqa: F401
    return _load(name)
