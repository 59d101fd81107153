"""What is undefined: refused before anything is computed, or counted and let pass."""

from __future__ import annotations

import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, Literal

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from samebits._runtime.kernels import unseen_by_the_compiler
from samebits._runtime.warn import warn
from samebits.determinism.route import program_line
from samebits.errors import DeterminismError

Undefined = Literal["raise", "warn"]
Function = Callable[..., Any]


class UndefinedWarning(UserWarning):
    """An operation without a portable result ran: it may have other bits on another machine."""


class Guard:
    """What happens to undefined operations, and how often it has.

    Attributes:
        counts: operation -> how many calls were let pass.
    """

    def __init__(self) -> None:
        self.undefined: Undefined = "raise"
        self.counts: Counter[str] = Counter()

    def refused(self, name: str) -> Callable[[Function], Function]:
        """Given torch's kernel, what takes its place: a call with floating point numbers is refused."""

        def made(native: Function) -> Function:
            def call(keys: Any, *args: Any, **kwargs: Any) -> Any:
                if not _torchs.depth and (_has_floats(args) or _has_floats(kwargs)):
                    self.meet(name, sys._getframe(1))
                return native(keys, *args, **kwargs)

            return unseen_by_the_compiler(call)

        return made

    def meet(self, name: str, where: FrameType, of: str = "") -> None:
        """An undefined operation is about to run; `of` says of which numbers, where it is defined of others.

        Raises:
            DeterminismError: unless such operations are let pass.
        """
        shown = f"torch.ops.{name.removesuffix('.default').replace('::', '.')}{of}"
        if self.undefined == "raise":
            raise DeterminismError(
                f"{shown} has no portable result{program_line(where)}: on another machine it may have "
                "other bits. Do without it, compute it outside samebits.portable(), or let such operations "
                "pass with samebits.portable(undefined='warn'), which counts them."
            )
        if not self.counts[name]:
            warn(f"{shown} has no portable result{program_line(where)}; it is let pass.", UndefinedWarning)
        self.counts[name] += 1


class _Torchs(threading.local):
    depth = 0


_torchs = _Torchs()


@contextmanager
def torchs_own() -> Iterator[None]:
    """Within it nothing is refused on this thread.

    It is asked where our function says that its result is exact, or that torch has an error to raise.
    """
    _torchs.depth += 1
    try:
        yield
    finally:
        _torchs.depth -= 1


def _has_floats(arguments: Any) -> bool:
    return any(
        isinstance(leaf, Tensor) and (leaf.is_floating_point() or leaf.is_complex())
        for leaf in tree_leaves(arguments)
    )


def kernels_of(key: str) -> list[str]:
    """Every operation that has a kernel for a dispatch key, in the order of names."""
    return sorted(
        name
        for name in torch._C._dispatch_get_all_op_names()
        if torch._C._dispatch_has_kernel_for_dispatch_key(name, key)
    )


#: A kernel's line in the dispatcher's description of an operation, if Python registered it.
_PYTHON: Final = r"^{key}(\[alias\])?: registered at .*\.py:\d+ "


def is_python(operation: str, key: str) -> bool:
    """Whether an operation's kernel is a Python function, whose own operations are asked one by one."""
    found = re.search(_PYTHON.format(key=key), torch._C._dispatch_dump(operation), re.MULTILINE)
    return found is not None


def runs_on(operation: str, device: str) -> bool:
    """Whether this torch has the operation, and a kernel for "cpu" or "cuda", if of all devices."""
    there = torch._C._dispatch_has_kernel(operation)
    return there and torch._C._dispatch_has_computed_kernel_for_dispatch_key(operation, device.upper())
