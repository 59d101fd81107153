"""One function for an operation's functional, in-place and `out=` forms.

A replacement is written in one form, that of its row's schema; the others follow
from the schemas: a copy before, or a copy after.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import torch
from torch import Tensor

from samebits._runtime.warn import warn

Function = Callable[..., Any]

#: torch says as much, from C++.
_RESIZED = "An output with elements was resized; torch will refuse this. Resize it to zero elements first."


class Form(Enum):
    """How an operation returns its result."""

    FUNCTIONAL = "new tensors"
    INPLACE = "in its first argument"
    OUT = "in tensors given as keywords"


def schema_of(name: str) -> Any:
    """The schema of `namespace::operation.overload`.

    Raises:
        RuntimeError: this torch has no such operation.
    """
    base, _, overload = name.partition(".")
    return torch._C._get_schema(base, overload)


def form_of(schema: Any) -> Form:
    """The form of a schema."""
    if any(argument.is_out for argument in schema.arguments):
        return Form.OUT
    if any(argument.alias_info is not None and argument.alias_info.is_write for argument in schema.arguments):
        return Form.INPLACE
    return Form.FUNCTIONAL


def adapted(function: Function, have: Any, want: Any) -> Function:
    """`function`, written for the schema `have`, in the form of the schema `want`.

    Where the function answers `NotImplemented`, so does the adapted one, and nothing was written.
    """
    given, wanted = form_of(have), form_of(want)
    if given is wanted:
        return function
    if given is Form.INPLACE:
        functional = _on_a_copy(function)
        return functional if wanted is Form.FUNCTIONAL else _into(functional, _outputs(want))
    if wanted is Form.INPLACE:
        return _into_first(function)
    return _into(function, _outputs(want))


def _outputs(schema: Any) -> tuple[str, ...]:
    return tuple(argument.name for argument in schema.arguments if argument.is_out)


def _on_a_copy(function: Function) -> Function:
    def functional(first: Tensor, *args: Any, **kwargs: Any) -> Any:
        # As torch's own functional forms return it, whatever the layout of the first argument.
        return function(first.clone(memory_format=torch.contiguous_format), *args, **kwargs)

    return functional


def _into_first(function: Function) -> Function:
    def inplace(first: Tensor, *args: Any, **kwargs: Any) -> Any:
        result = function(first, *args, **kwargs)
        return result if result is NotImplemented else first.copy_(result)

    return inplace


def _into(function: Function, names: tuple[str, ...]) -> Function:
    def out(*args: Any, **kwargs: Any) -> Any:
        given = [kwargs.pop(name) for name in names]
        result = function(*args, **kwargs)
        if result is NotImplemented:
            return result
        results = (result,) if isinstance(result, Tensor) else result
        for into, value in zip(given, results, strict=True):
            if into.dtype != value.dtype or into.device != value.device:
                return NotImplemented  # torch says what is wrong
        for into, value in zip(given, results, strict=True):
            if into.shape != value.shape:
                if into.numel():
                    warn(_RESIZED, UserWarning)
                into.resize_(value.shape)
            into.copy_(value)
        return given[0] if isinstance(result, Tensor) else tuple(given)

    return out
