"""`exponential`: the quantile of (m + ½) / 2³¹ for the word's last 31 bits m, over the rate;
float64: 63 bits.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from samebits.random.arguments import FLOATING, dtype_of, number
from samebits.random.keys import KeyLike
from samebits.random.one_word import UNIT, Distribution, Parameters
from samebits.random.output import Device, Shard, draw_numbers

__all__ = ["exponential"]


def exponential(
    key: KeyLike,
    *shape: Any,
    rate: float = 1.0,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Shard = None,
) -> Tensor:
    """Exponential numbers, greater than 0, by the inverse of their distribution.

    Args:
        key: a `Key`, or uint64 of shape (2,) or (*batch, 2).
        shape: of the whole; that of `out` where none is given.
        rate: finite, greater than 0; the mean is 1 / rate.
        dtype, device, out, shard: as of `normal`.

    Returns:
        A tensor of `shape`, or of the shard's: x / rate with x at most 22.2, in float64 44.4.

    Raises:
        TypeError: a key, dtype or shape of the wrong kind.
        ValueError: negative sizes, a rate that is not finite and positive.
    """
    dtype = dtype_of(dtype, out, FLOATING, torch.float32, "exponential")
    if type(rate) is not float or rate != 1.0:
        rate = number("rate", rate, positive=True)
    parameters = UNIT if rate == 1.0 else Parameters(rate)
    return draw_numbers(Distribution.EXPONENTIAL, key, shape, dtype, device, out, shard, parameters)
