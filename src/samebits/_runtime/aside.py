"""What samebits does for itself amid a program, which is no part of what the program computes.

To capture a state is to read it: whoever observes the program has to leave that out, or a generator that
nothing draws from would make two runs differ.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

_quiet: Callable[[], AbstractContextManager[None]] = nullcontext


def aside() -> AbstractContextManager[None]:
    """In this, whoever observes sees nothing of this thread."""
    return _quiet()


def observed(quiet: Callable[[], AbstractContextManager[None]]) -> Callable[[], None]:
    """Somebody observes, who sees nothing in ``quiet()``; until the function returned is called."""
    global _quiet
    before, _quiet = _quiet, quiet

    def end() -> None:
        global _quiet
        _quiet = before

    return end
