"""`uniform`: the word's last 24 bits (float32; 53, 11, 8 in float64, float16, bfloat16) over 2²⁴,
times (high - low), plus low.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from samebits.errors import UsageError
from samebits.random.arguments import FLOATING, dtype_of, number, rounded
from samebits.random.keys import KeyLike
from samebits.random.one_word import UNIT, Distribution, Parameters
from samebits.random.output import Device, Shard, draw_numbers

__all__ = ["uniform"]


def uniform(
    key: KeyLike,
    *shape: Any,
    low: float = 0.0,
    high: float = 1.0,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Shard = None,
) -> Tensor:
    """Numbers of [low, high), equally likely: bit for bit `torch.func._random.uniform`'s.

    Args:
        key: a `Key`, or uint64 of shape (2,) or (*batch, 2).
        shape: of the whole; that of `out` where none is given.
        low, high: finite, low < high.  As in torch, rounding may give `high` itself unless they are 0 and 1.
        dtype: float32 by default, or that of `out`; float16, bfloat16, float64.  A number has as many random
            bits as the dtype's significand: 24, 11, 8, 53.
        device: where the numbers are; that of `key` by default.
        out: filled and returned; of any layout, or a DTensor.
        shard: draw this part of the whole alone.

    Returns:
        A tensor of `shape`, or of the shard's.

    Raises:
        TypeError: a key, dtype or shape of the wrong kind.
        ValueError: negative sizes, bounds that are not finite or not in order.
    """
    dtype = dtype_of(dtype, out, FLOATING, torch.float32, "uniform")
    if type(low) is not float or type(high) is not float:
        low, high = number("low", low), number("high", high)
    if low == 0.0 and high == 1.0:
        parameters = UNIT
    else:
        low, high = number("low", low), number("high", high)
        if low >= high:
            raise UsageError(f"low must be less than high, not low={low}, high={high}")
        below, above = rounded(low, dtype), rounded(high, dtype)
        parameters = Parameters(rounded(above - below, dtype), below)
    return draw_numbers(Distribution.UNIFORM, key, shape, dtype, device, out, shard, parameters)
