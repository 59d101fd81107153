"""Whose line a warning points at: the user's, however many frames of ours and of torch's lie between.

`warnings.warn` counts frames (`stacklevel`), and the number depends on the way in: the same function is
called by itself, by a wrapper that has a guide's name, by a scope.  So the frames are looked at instead.
"""

from __future__ import annotations

import sys
import warnings
from types import FrameType
from typing import Final

#: Top-level packages whose frames are never the one to change.  A forked worker has its parent's frames, too.
_PASSED: Final = {"contextlib", "multiprocessing", "samebits", "torch"}


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the innermost line outside these packages; the outermost line if none is."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and _is_passed(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_passed(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] in _PASSED
