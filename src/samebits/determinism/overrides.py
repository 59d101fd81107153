"""Replacements in the dispatcher: put in, taken out, each alone.

torch's dispatcher holds one kernel for an operation and a device.  A `Library`
that implements one operation for one device replaces it below autograd, autocast
and vmap, so that every way to the operation finds ours: unmodified `F.*` calls,
backward, compiled graphs.  Destroying the library brings the former kernel back.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from types import TracebackType
from typing import Any

import torch
from torch import library

from samebits.ops.table import OPERATIONS, Operation
from samebits.ops.variants import Function, adapted, schema_of

#: Given a row, our function and torch's kernel (which takes the dispatch keys first): what the dispatcher
#: shall call, with the dispatch keys first.
Route = Callable[[Operation, Function, Function], Function]


#: Kernels that are no longer in the dispatcher, but that another thread may still be about to run:
#: torch would free them with their library.
_leaving: deque[Any] = deque(maxlen=4096)


class Override:
    """One operation's kernel on one device, replaced until `remove`.

    Args:
        schema: the operation, with its overload.
        device: "cpu" or "cuda".
        made: given torch's kernel, what the dispatcher shall call; both take the dispatch keys first.
    """

    def __init__(self, schema: str, device: str, made: Callable[[Function], Function]) -> None:
        key: Any = device.upper()
        native = library.get_kernel(schema, key).call_boxed
        namespace, _, name = schema.partition("::")
        made_in: Any = library.Library
        self._library = made_in(namespace, "IMPL")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Warning only once for all operators")
            self._library.impl(name, made(native), key, with_keyset=True)
        self._ours = library.get_kernel(schema, key)

    def remove(self) -> None:
        """The former kernel is back."""
        _leaving.append(self._ours)
        self._library._destroy()


def exists(row: Operation) -> bool:
    """Whether this process has the row's operation: torchvision's are there once it is imported."""
    try:
        schema_of(row.schema)
    except RuntimeError:
        return False
    return True


def has_kernel(schema: str, device: str) -> bool:
    """Whether torch has a kernel of its own to replace."""
    return bool(torch._C._dispatch_has_kernel_for_dispatch_key(schema, device.upper()))


def always_ours(row: Operation, function: Function, native: Function) -> Function:
    """The route without a mode: our function, and torch's kernel where ours steps aside."""

    def call(keys: Any, *args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        return native(keys, *args, **kwargs) if result is NotImplemented else result

    return call


class Installed:
    """Context manager: replacements on a device, and what was there before afterwards.

    Args:
        rows: of the table; those whose operation or kernel this process has not are left out.
        device: "cpu" or "cuda".
        route: who answers a call; ours by default.
    """

    def __init__(
        self, rows: Iterable[Operation] = OPERATIONS, device: str = "cpu", route: Route = always_ours
    ) -> None:
        self.rows = tuple(row for row in rows if exists(row))
        self.device = device
        self.route = route
        self._overrides: list[Override] = []

    def __enter__(self) -> Installed:
        try:
            for row in self.rows:
                function = getattr(import_module(f"samebits.ops.{row.file}"), row.function)
                for schema in (row.schema, *row.variants):
                    if has_kernel(schema, self.device):
                        ours = adapted(function, schema_of(row.schema), schema_of(schema))
                        self._overrides.append(Override(schema, self.device, partial(self.route, row, ours)))
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Every former kernel is back, the last replaced first."""
        while self._overrides:
            self._overrides.pop().remove()
