"""Where in the program something was asked for: what a line on stderr names, and what a stream is keyed
by."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Final

from samebits.usercode import files

_DEEPEST: Final = 32  # calls of user code that make a key
#: What a spawned process calls the script.
_MAIN: Final = {"__mp_main__": "__main__"}


def line() -> tuple[str, int]:
    """The innermost line of user code that this thread is in: file and number; ("", 0) outside of it."""
    frame = next(_frames(sys._getframe(1)), None)
    return ("", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def place() -> str:
    """``train.py:12``, of the innermost line of user code that this thread is in; "" outside of it."""
    return written(*line())


def written(file: str, number: int) -> str:
    return f"{files.relative(file)}:{number}" if file else ""


def key() -> str:
    """What names this place in every run: the calls of user code that led here, innermost first.

    Each is a module, a function and a line, counted from the function's first: what is edited above it, and
    the folder that the program lies in, give it no other name.  All of the calls count, so that two loaders
    which one helper makes for two callers are two.
    """
    names = []
    for frame in _frames(sys._getframe(1)):
        module = str(frame.f_globals.get("__name__"))
        code = frame.f_code
        names.append(f"{_MAIN.get(module, module)}:{code.co_qualname}:{frame.f_lineno - code.co_firstlineno}")
        if len(names) == _DEEPEST:
            break
    return " ".join(names)


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        if files.is_user_code(frame.f_code.co_filename):
            yield frame
        frame = frame.f_back
