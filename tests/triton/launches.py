"""Which kernels are launched with what: noted under the interpreter, as plain data for a compiler."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import torch
from torch import Tensor
from triton.runtime import interpreter


@dataclass
class Launches:
    """Context manager that notes every launch of a kernel instead of running it.

    What a kernel would have written is zero where it is a whole number, so that it is a place of anything,
    and otherwise whatever the memory holds.

    Attributes:
        found: each launch once, as JSON: kernel, its arguments and the options; a tensor is its dtype.
    """

    found: set[str] = field(default_factory=set)
    _run: Callable[..., Any] | None = None
    _zeroed: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def __enter__(self) -> Launches:
        function: Any = interpreter.InterpretedFunction
        self._run = function.run

        def noted(kernel: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> None:
            for value in args:
                if isinstance(value, Tensor) and value.dtype == torch.int64 and value.is_contiguous():
                    self._zeroed.append((value, value.clone()))  # it may be a table that is kept
                    value.zero_()
            launch = {
                "module": kernel.fn.__module__,
                "kernel": kernel.fn.__name__,
                "arguments": [str(value.dtype) if isinstance(value, Tensor) else value for value in args],
                "options": kwargs,
            }
            self.found.add(json.dumps(launch, sort_keys=True))

        function.run = noted
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        function: Any = interpreter.InterpretedFunction
        function.run = self._run
        while self._zeroed:
            value, before = self._zeroed.pop()
            value.copy_(before)
