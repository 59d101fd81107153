"""Who answers a replaced operation while the mode is on: our function, or torch's kernel.

torch's kernel answers what the innermost scope excepts, and what our function
passes on.  If torch then says that its kernel is not deterministic either, its
words become ours: which operation, in which line, and what can be done.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Final

import torch

from samebits.determinism.settings import Settings
from samebits.errors import DeterminismError
from samebits.ops.table import Operation
from samebits.ops.variants import Function
from samebits.seeding.user_code import is_own_file

#: torch's own words, `Context::alertNotDeterministic` in aten/src/ATen/Context.cpp.
ALERT: Final = re.compile(r"(\S+) does not have a deterministic implementation")

_moving = threading.RLock()


@contextmanager
def flag(enabled: bool) -> Iterator[None]:
    """torch's flag for the length of a block; another thread's operations see it, too."""
    with _moving:
        before = torch._C._get_deterministic_algorithms()
        warn_only = torch._C._get_deterministic_algorithms_warn_only()
        torch._C._set_deterministic_algorithms(enabled, warn_only=False)
        try:
            yield
        finally:
            torch._C._set_deterministic_algorithms(before, warn_only=warn_only)


def insisted(native: Function) -> Function:
    """torch's kernel with the strict flag.

    At torch's level "warn only" the backward of flash and of memory-efficient attention leaves its
    deterministic kernel: aten/src/ATen/native/transformers/cuda/attention_backward.cu.
    """

    def call(keys: Any, *args: Any, **kwargs: Any) -> Any:
        with flag(True):
            return native(keys, *args, **kwargs)

    return call


def route(current: Callable[[], Settings]) -> Callable[[Operation, Function, Function], Function]:
    """The route of a mode whose innermost settings `current` gives at the time of a call."""

    def routed(row: Operation, function: Function, native: Function) -> Function:
        name = row.name

        def call(keys: Any, *args: Any, **kwargs: Any) -> Any:
            if name in current().except_:
                with flag(False):
                    return native(keys, *args, **kwargs)
            result = function(*args, **kwargs)
            if result is not NotImplemented:
                return result
            try:
                return native(keys, *args, **kwargs)
            except RuntimeError as error:
                explained(error, where=sys._getframe(1), name=name)
                raise

        return call

    return routed


def explained(
    error: BaseException, *, where: FrameType | TracebackType | None, name: str | None = None
) -> None:
    """Raise our error in the place of torch's, if torch's says that an operation is not deterministic.

    Raises:
        DeterminismError: from `error`.
    """
    found = ALERT.match(str(error))
    if found is None or isinstance(error, DeterminismError):
        return
    place = _line(where)
    lacking = "these arguments (dtype, layout, device)" if name else "this operation"
    way_out = f"except_=[{name!r}]" if name else "level='warn'"
    raise DeterminismError(
        f"{found[1]} is not deterministic{place}, and samebits has no replacement for {lacking}. Leave it as "
        f"it is with samebits.deterministic({way_out}), move it to the CPU, or see `samebits ops`."
    ) from error


def _line(where: FrameType | TracebackType | None) -> str:
    """The program's innermost line of a stack, or of a traceback."""
    lines: list[tuple[str, int]] = []
    while isinstance(where, TracebackType):
        lines.insert(0, (where.tb_frame.f_code.co_filename, where.tb_lineno))
        where = where.tb_next
    while where is not None:
        lines.append((where.f_code.co_filename, where.f_lineno))
        where = where.f_back
    return next((f" ({file}:{line})" for file, line in lines if is_own_file(file)), "")
