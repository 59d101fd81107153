"""The C kernels: what they are compiled from.  Imports no torch, as `samebits.random.build`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from samebits._runtime import tiered
from samebits.random import build as random

NATIVE: Final = Path(__file__).parent / "native"
_FUSED: Final = ("-mfma", "-mf16c")


def kernels() -> tiered.Kernels:
    """The kernels of `samebits.arithmetic`."""
    return tiered.Kernels(
        *("arithmetic", "the kernels of samebits.portable", NATIVE),
        avx2=("-mavx2", *_FUSED),
        avx512=(*tiered.AVX512, *_FUSED),
        others=(random.NATIVE / "half.h",),
    )
