"""Rows of the portable operations under torch's operations, for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from samebits._runtime.kernels import Override
from samebits.arithmetic.guard import runs_on
from samebits.arithmetic.rows import Defined
from samebits.ops.variants import adapted, schema_of

Function = Callable[..., Any]


@contextmanager
def replaced(rows: Iterable[Defined], device: str = "cpu") -> Iterator[None]:
    """The rows' functions, and their variants, are the device's kernels; torch's own are back afterwards."""
    with ExitStack() as stack:
        for row in rows:
            for schema in (row.schema, *row.variants):
                if runs_on(schema, device):
                    ours = adapted(row.function, schema_of(row.schema), schema_of(schema))
                    stack.callback(Override(schema, device, _ours_or(ours)).remove)
        yield


def _ours_or(ours: Function) -> Callable[[Function], Function]:
    def made(native: Function) -> Function:
        def call(keys: Any, *args: Any, **kwargs: Any) -> Any:
            result = ours(*args, **kwargs)
            return native(keys, *args, **kwargs) if result is NotImplemented else result

        return call

    return made
