"""What a row of the table of portable operations is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: Takes the operation's arguments.  NotImplemented: torch's own kernel, whose result is exact here
#: (integers).
Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Defined:
    """An operation that has one result everywhere, and what computes it.

    Attributes:
        schema: its name in the dispatcher, with the overload.
        function: of the operation's arguments, on a CPU or on CUDA.
        formula: the result in one line, in the words of docs/reference/portable.md.
        variants: other overloads (in place, `out=`), made of the same function by `samebits.ops.variants`;
            where that costs too much, a variant has a row of its own.
        may_ask_others: whether torch's own kernel, which runs where the function answers NotImplemented, is
            made of operations that are refused by themselves.
    """

    schema: str
    function: Function
    formula: str
    variants: tuple[str, ...] = ()
    may_ask_others: bool = False
