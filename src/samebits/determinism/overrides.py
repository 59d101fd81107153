"""The replacements of the table, put into the dispatcher and taken out (see `samebits._runtime.kernels`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from types import TracebackType
from typing import Any

from samebits._runtime.kernels import Override, has_kernel
from samebits.model.operators import OPERATIONS, Operation
from samebits.ops.variants import Function, adapted, schema_of

#: Given a row, our function and torch's kernel (which takes the dispatch keys first): what the dispatcher
#: shall call, with the dispatch keys first.
Route = Callable[[Operation, Function, Function], Function]


def exists(row: Operation) -> bool:
    """Whether this process has the row's operation: torchvision's are there once it is imported."""
    try:
        schema_of(row.schema)
    except RuntimeError:
        return False
    return True


def always_ours(row: Operation, function: Function, native: Function) -> Function:
    """The route without a mode: our function, and torch's kernel where ours steps aside."""

    def call(keys: Any, *args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        return native(keys, *args, **kwargs) if result is NotImplemented else result

    return call


class InstalledOverrides:
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

    def __enter__(self) -> InstalledOverrides:
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
