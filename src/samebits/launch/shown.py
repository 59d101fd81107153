"""The script's errors, shown as Python shows them: without a frame of ours, in the whole chain.

Python itself shows an error, after it has left this package's `main`; only the hook that it calls is
exchanged then.  So an exit code, an interrupt, a hook of the program's and one that fails are what they are
without us.

An error that our own code raised is not the script's: it keeps its frames, and says how to go without.
"""

from __future__ import annotations

import opcode
import os
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final

from samebits._runtime import imports
from samebits.launch.blame import blames_us
from samebits.usercode.files import PACKAGE

_OBSERVING: Final = tuple(os.path.join(PACKAGE, name) for name in ("observe", "record", "usercode"))
_OURS: Final = (*_OBSERVING, *(os.path.join(PACKAGE, name) for name in ("control", "launch")))
#: The observer in Python stands between an operation and torch, which calls it and is called by it from here.
_MODE: Final = os.path.join(PACKAGE, "observe", "fallback.py")
_AROUND: Final = ("torch/_compile.py", "torch/_dynamo/eval_frame.py", "torch/_ops.py")
#: What Python raises wherever it happens to be.
_ANYWHERE: Final = (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError, RecursionError)

WITHOUT: Final = (
    "samebits: this error names samebits, which rewrites the program's code to observe it; with "
    "SAMEBITS_REWRITE=0 it does not, and observes the rest"
)


def _is_ours(trace: TracebackType) -> bool:
    frame = trace.tb_frame
    if frame.f_code.co_filename == imports.IMPORTER:
        return str(frame.f_globals.get("__name__")).startswith("samebits.")
    return os.path.dirname(frame.f_code.co_filename) in _OURS


def without_us(trace: TracebackType | None) -> TracebackType | None:
    """`trace` without frames of ours, and without torch's own around the observer in Python."""
    frames = list(_frames(trace))
    names = [each.tb_frame.f_code.co_filename for each in frames]
    ours = [_is_ours(each) for each in frames]
    for order in (range(1, len(names)), range(len(names) - 2, -1, -1)):
        step = order.step
        for index in order:
            beside = names[index - step] == _MODE or (
                ours[index - step] and names[index - step].endswith(_AROUND)
            )
            ours[index] = ours[index] or (beside and names[index].endswith(_AROUND))
    kept: TracebackType | None = None
    for each, own in zip(reversed(frames), reversed(ours), strict=True):
        if not own:
            kept = TracebackType(kept, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return kept


def clean(error: BaseException) -> None:
    """Take our frames out of an error's traceback, and of those that it names or holds."""
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if not _our_fault(each):
            each.with_traceback(without_us(each.__traceback__))
        left += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            left += each.exceptions


def show_errors_without_us() -> None:
    """An error that ends this process is shown without frames of ours, by the hook that there is now."""
    hook: Any = getattr(sys, "excepthook", None)
    if hook is None:
        return  # Python says so itself

    def shown(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        clean(error)
        sys.last_traceback = error.__traceback__
        try:
            hook(kind, error, error.__traceback__)
        except SystemExit:
            raise
        except BaseException as failed:
            clean(failed)
            failed.__context__ = None
            _display(failed, "Error in sys.excepthook:\n")
            _display(error, "\nOriginal exception was:\n")
        if blames_us(_text(error)):
            print(WITHOUT, file=sys.stderr)

    sys.excepthook = shown


def _display(error: BaseException, heading: str) -> None:
    sys.stderr.write(heading)
    sys.__excepthook__(type(error), error, error.__traceback__)


def _text(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except Exception:
        return ""


def _frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _our_fault(error: BaseException) -> bool:
    """Whether the observer's own code raised it, and not what that code called."""
    last = next(reversed(list(_frames(error.__traceback__))), None)
    if last is None or isinstance(error, _ANYWHERE):
        return False
    code = last.tb_frame.f_code
    called = opcode.opname[code.co_code[last.tb_lasti]].startswith("CALL")
    return os.path.dirname(code.co_filename) in _OBSERVING and not called
