"""Data: which samples come in which order, and what is drawn while they are made.

Loaded on first use: importing the package imports no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from samebits._runtime.lazy import lazy

if TYPE_CHECKING:
    from samebits.data.loader import SeededLoader as SeededLoader
    from samebits.data.resume import ResumableSampler as ResumableSampler
    from samebits.data.samples import SampleSeeded as SampleSeeded
    from samebits.data.workers import loader_kwargs as loader_kwargs

_HOMES = {
    "ResumableSampler": "samebits.data.resume",
    "SampleSeeded": "samebits.data.samples",
    "SeededLoader": "samebits.data.loader",
    "loader_kwargs": "samebits.data.workers",
}

__all__ = ["ResumableSampler", "SampleSeeded", "SeededLoader", "loader_kwargs"]


__getattr__ = lazy(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
