"""What a context manager can decorate: functions whose body runs during the call."""

from __future__ import annotations

import inspect


def runs_later(function: object) -> bool:
    """Whether a body, also that of an object's `__call__`, runs after the call: generators, coroutines."""
    asked = (function, getattr(function, "__call__", function))  # noqa: B004  # an object's own method
    kinds = (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    return any(kind(one) for one in asked for kind in kinds)
