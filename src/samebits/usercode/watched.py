"""A watched call: what is known of it once it was made, and what makes a fact of it.

The `on_` files say what is noted of a call, the watchlist of which calls.  That runs after the real call, on
its arguments and result, and may fail: `probes` swallows that.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from samebits.model import facts
from samebits.model.facts import Detail
from samebits.usercode.content import digest

#: How far the program is: the position among its events, and the step.
Moment = tuple[int, int]


class Emit(Protocol):
    """Writes a fact at the call's place."""

    def __call__(self, detail: Detail, since: Moment | None = None) -> None: ...

    def now(self) -> Moment | None:
        """The moment, for a fact that is complete only later; None where that is not known."""
        ...


@dataclass(slots=True)
class Call:
    """One call that was made: ``result`` may be replaced by an equivalent that is observed as it is used."""

    call: str
    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    emit: Emit
    sorted: bool  # the result goes straight into something that forgets its order
    token: Any = None  # what `before` left

    def argument(self, index: int, name: str, default: Any = None) -> Any:
        return self.args[index] if len(self.args) > index else self.kwargs.get(name, default)

    @property
    def owner(self) -> Any:
        return getattr(self.function, "__self__", None)


After = Callable[[Call], None]


#: Called before the real call with its arguments; may give other keyword arguments and a token for `after`.
Before = Callable[[tuple[Any, ...], dict[str, Any]], tuple[dict[str, Any], Any]]


@dataclass(frozen=True, slots=True)
class Watched:
    """A function or method that is evidence."""

    kind: type[Detail]  # of the fact that `after` writes, for the rows that are only counted
    call: str
    after: After
    essential: bool = False  # seen even where its rows are no longer written: later facts depend on it
    before: Before | None = None

    def summary(self, count: int) -> Detail:
        """The detail of a row that stands for ``count`` calls."""
        call = {"call": self.call} if "call" in facts.names(self.kind) else {}
        return self.kind(count=count, **call)


def number(value: Any) -> int | float | None:
    """A seed as it is stored: a number, or the digest of what is none."""
    if value is None or isinstance(value, float):
        return value
    index = getattr(value, "__index__", None)
    if isinstance(value, int) or (index is not None and type(value).__module__ == "numpy"):
        whole = int(value)
        return whole if whole.bit_length() <= 64 else digest(whole)
    return digest(value)


def path_of(value: Any) -> str | None:
    if isinstance(value, str | bytes | os.PathLike):
        return os.fsdecode(value)
    name = getattr(value, "name", None)
    return name if isinstance(name, str) else None
