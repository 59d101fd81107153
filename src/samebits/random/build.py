"""The C core: what it is compiled from.  Imports no torch: the installation has none yet."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from samebits._runtime import tiered
from samebits._runtime.native import BuildError as BuildError

NATIVE: Final = Path(__file__).parent / "native"


def core() -> tiered.Kernels:
    """The core of `samebits.random`."""
    return tiered.Kernels("random", "the core of samebits.random", NATIVE, ("-mavx2",), tiered.AVX512)
