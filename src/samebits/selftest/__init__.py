"""The self-test: whether this machine computes what it did, and what machines of its kind do.

A fixed training step is hashed piece by piece.  Integers and samebits' own random numbers must have the same
bits on every machine; floats must have those of machines of this kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from samebits._runtime.lazy import lazy

if TYPE_CHECKING:
    from samebits.selftest.outcome import SelfTest as SelfTest
    from samebits.selftest.runs import selftest as selftest

_HOMES = {
    "SelfTest": "samebits.selftest.outcome",
    "selftest": "samebits.selftest.runs",
}

__all__ = ["SelfTest", "selftest"]

if not TYPE_CHECKING:
    __getattr__ = lazy(__name__, _HOMES, after_torch={"selftest"})
