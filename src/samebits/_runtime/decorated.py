"""Context managers as decorators: of functions whose body runs during the call."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import ParamSpec, TypeVar

from samebits.errors import UsageTypeError

P = ParamSpec("P")
R = TypeVar("R")


def decorated(
    function: Callable[P, R], made: Callable[[], AbstractContextManager[object]], written: str
) -> Callable[P, R]:
    """`function`, each call of which is inside a `made()` of its own; `written` is how a user writes that.

    Raises:
        TypeError: a class, a generator or a coroutine.
    """
    if isinstance(function, type) or runs_later(function):
        name = getattr(function, "__name__", function)
        raise UsageTypeError(
            f"{written.partition('(')[0]}: {name!r} is a class, a generator or a coroutine, whose body runs "
            f"after the call: write `with {written}:` inside it."
        )

    @functools.wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with made():
            return function(*args, **kwargs)

    return inside


def runs_later(function: object) -> bool:
    """Whether a body, also that of an object's `__call__`, runs after the call: generators, coroutines."""
    asked = (function, getattr(function, "__call__", function))  # noqa: B004  # an object's own method
    kinds = (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    return any(kind(one) for one in asked for kind in kinds)
