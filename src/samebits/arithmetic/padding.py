"""The derivatives of reflection and replication padding: the copies of an input are added in their order.

One dimension after the other is folded, the first first.  Forward both are copies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from samebits.arithmetic.rows import Defined
from samebits.arithmetic.sums import COMPUTED
from samebits.arithmetic.taps import in_turn
from samebits.ops.primitives.taps import Integers, Taps, transposed

#: Of places from the first that is no padding, and a length: which input each is a copy of.
Source = Callable[[Integers, int], Integers]


def _reflected(place: Integers, length: int) -> Integers:
    folded: Integers = length - 1 - np.abs(length - 1 - np.abs(place))
    return folded


def _replicated(place: Integers, length: int) -> Integers:
    return place.clip(0, length - 1)


@lru_cache(maxsize=256)
def _map(source: Source, length: int, left: int, right: int) -> Taps:
    place = np.arange(left + length + right) - left
    return transposed(source(place, length)[:, None], source=length)


def _backward(dims: int, source: Source, grad_output: Tensor, self: Tensor, padding: Sequence[int]) -> Any:
    """For each input the sum of its copies' gradients.

    Args:
        grad_output: (N, C, ...) or (C, ...), padded.
        self: the same without padding.
        padding: left and right of the last dimension, and so on.
    """
    first = self.dim() - dims
    pads = [(padding[2 * n], padding[2 * n + 1]) for n in reversed(range(len(padding) // 2))]
    if (
        first not in (1, 2)
        or len(pads) != dims
        or self.dtype not in COMPUTED
        or self.numel() * grad_output.numel() == 0
        or grad_output.shape[:first] != self.shape[:first]
        or any(
            made != left + n + right or (source is _reflected and max(left, right) >= n)
            for n, made, (left, right) in zip(
                self.shape[first:], grad_output.shape[first:], pads, strict=False
            )
        )
    ):
        return NotImplemented
    layout = torch.contiguous_format
    if first == 2 and dims > 1 and not self.is_contiguous():
        last = torch.channels_last if dims == 2 else torch.channels_last_3d
        layout = last if self.is_contiguous(memory_format=last) else layout
    lengths = self.shape[first:]
    passes = [(first + n, _map(source, lengths[n], *pads[n])) for n in range(dims)]
    return in_turn(grad_output.contiguous(memory_format=layout), passes)


ROWS: Final = tuple(
    Defined(
        f"aten::{name}_pad{dims}d_backward",
        partial(_backward, dims, source),
        "the sum of the copies, in their order",
        (f"aten::{name}_pad{dims}d_backward.grad_input",),
    )
    for name, source in (("reflection", _reflected), ("replication", _replicated))
    for dims in (1, 2, 3)
)
