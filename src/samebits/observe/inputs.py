"""What an operation takes in, as digests: its inputs, and the generator it draws from.

For the Python observer; the numbers are those of `native/observer.cpp`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from samebits.model import events
from samebits.observe.folding import Sum, scalar_digest, tensors_in
from samebits.observe.schemas import Schema


class Inputs:
    """``digest`` reads a tensor."""

    def __init__(self, digest: Callable[[torch.Tensor], int]) -> None:
        self._digest = digest

    def of(self, operator: Schema, arguments: Sequence[Any]) -> tuple[int, int]:
        """The digests of an operation's inputs and of the generator it draws from."""
        total = Sum()
        for i, value in enumerate(arguments):
            if i in operator.written_only:
                continue
            for tensor in tensors_in([value]):
                total.add(self._digest(tensor))
            if isinstance(value, (bool, int, float)):
                total.add(scalar_digest(value))
        return total.value or 1, self.generator(operator, arguments)

    def generator(self, operator: Schema, arguments: Sequence[Any]) -> int:
        """The digest of the generator that an operation draws from; 0 where it draws from none of the CPU."""
        if not operator.flags & events.RANDOM or any(t.device.type != "cpu" for t in tensors_in(arguments)):
            return 0
        given = arguments[operator.generator] if operator.generator >= 0 else None
        return self._digest((given or torch.default_generator).get_state())
