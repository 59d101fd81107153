"""What samebits does for itself amid a program, which is no part of what the program computes.

To capture a state is to read it: whoever observes the program has to leave that out, or a generator that
nothing draws from would make two runs differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import local
from typing import Final

_quiet: Callable[[], AbstractContextManager[None]] = nullcontext
_files: Final = local()


def aside() -> AbstractContextManager[None]:
    """In this, whoever observes sees nothing of this thread."""
    return _quiet()


@contextmanager
def files_aside() -> Iterator[None]:
    """In this, whoever notes files sees nothing of this thread."""
    before, _files.aside = are_files_aside(), True
    try:
        yield
    finally:
        _files.aside = before


def are_files_aside() -> bool:
    """Whether the files that this thread opens are samebits' business."""
    return getattr(_files, "aside", False)


def observed(quiet: Callable[[], AbstractContextManager[None]]) -> Callable[[], None]:
    """Somebody observes, who sees nothing in ``quiet()``; until the function returned is called."""
    global _quiet
    before, _quiet = _quiet, quiet

    def end() -> None:
        global _quiet
        _quiet = before

    return end
