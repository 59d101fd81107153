"""Who answers a replaced operation while the mode is on: our function, or torch's kernel.

torch's kernel answers what the innermost scope excepts, and what our function
passes on.  If torch then says that its kernel is not deterministic either, its
words become ours: which operation, in which line, and what can be done.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map_only

from samebits._runtime.kernels import unseen_by_the_compiler
from samebits.determinism import flag
from samebits.determinism.settings import Settings
from samebits.errors import DeterminismError
from samebits.model.operators import Operation
from samebits.ops.variants import Function
from samebits.usercode.files import is_user_code

#: torch's own words, `Context::alertNotDeterministic` in aten/src/ATen/Context.cpp.
ALERT: Final = re.compile(
    r"(\S.*?) does not have a deterministic implementation, but you set 'torch\.use_det"
)


def insisted(native: Function) -> Function:
    """torch's kernel with the strict flag.

    At torch's level "warn only" the backward of flash and of memory-efficient attention leaves its
    deterministic kernel: aten/src/ATen/native/transformers/cuda/attention_backward.cu.
    """

    def call(keys: Any, *args: Any, **kwargs: Any) -> Any:
        with flag.overlaid(True):
            return native(keys, *args, **kwargs)

    return unseen_by_the_compiler(call)


def route(current: Callable[[], Settings]) -> Callable[[Operation, Function, Function], Function]:
    """The route of a mode whose innermost settings `current` gives at the time of a call."""

    def routed(row: Operation, function: Function, native: Function) -> Function:
        name = row.name

        def call(keys: Any, *args: Any, **kwargs: Any) -> Any:
            if name in current().except_:
                with flag.overlaid(False):
                    return native(keys, *args, **kwargs)
            result = function(*args, **kwargs)
            if result is not NotImplemented:
                return result
            try:
                return native(keys, *args, **kwargs)
            except RuntimeError as error:
                if ALERT.search(str(error)) is None:
                    raise
                refused = error
            return _without_alert(native, keys, args, kwargs, refused, name, sys._getframe(1))

        return unseen_by_the_compiler(call)

    return routed


def _without_alert(
    native: Function, keys: Any, args: Any, kwargs: Any, refused: RuntimeError, name: str, where: FrameType
) -> Any:
    """What torch's kernel says behind its alert, which comes before it looks at its arguments.

    The first two tensors are what is added and where to: if one is empty, nothing meets, in any order.
    Others may be empty for want of an option.  Where the arguments are wrong torch has words for it.
    Only what is left is not deterministic.
    """
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    with flag.overlaid(False):
        if any(tensor.numel() == 0 for tensor in tensors[:2]):
            return native(keys, *args, **kwargs)
        tried, options = tree_map_only(Tensor, torch.clone, (args, kwargs))
        native(keys, *tried, **options)  # raises where they are wrong; the program's tensors stay as they are
    explained(refused, where=where, name=name)
    raise refused


def explained(
    error: BaseException, *, where: FrameType | TracebackType | None, name: str | None = None
) -> None:
    """Raise our error in the place of torch's, if torch's says that an operation is not deterministic.

    Raises:
        DeterminismError: from `error`.
    """
    if not isinstance(error, RuntimeError) or isinstance(error, DeterminismError):
        return
    found = ALERT.search(str(error))
    if found is None:
        return
    lacking = "these arguments (dtype, layout, device)" if name else "this operation"
    way_out = f"except_=[{name!r}]" if name else "level='warn'"
    raise DeterminismError(
        f"{found[1]} is not deterministic{program_line(where)}, and samebits replaces nothing for "
        f"{lacking} here. Leave it as it is with samebits.deterministic({way_out}); `samebits ops` lists "
        "what is replaced."
    ) from error


def program_line(where: FrameType | TracebackType | None) -> str:
    """The program's innermost line of a stack, or of a traceback: " (train.py:12)", or ""."""
    lines: list[tuple[str, int]] = []
    while isinstance(where, TracebackType):
        lines.insert(0, (where.tb_frame.f_code.co_filename, where.tb_lineno))
        where = where.tb_next
    while where is not None:
        lines.append((where.f_code.co_filename, where.f_lineno))
        where = where.f_back
    return next((f" ({file}:{line})" for file, line in lines if is_user_code(file)), "")
