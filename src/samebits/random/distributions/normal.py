"""`normal`: mean + std z; z is the quantile of (m + ½) / 2³² for the word's last 31 bits m, its
sign the first bit; float64: 63 bits.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from samebits.random.arguments import FLOATING, dtype_of, number
from samebits.random.keys import KeyLike
from samebits.random.one_word import UNIT, Distribution, Parameters
from samebits.random.output import Device, Shard, draw_numbers

__all__ = ["normal"]


def normal(
    key: KeyLike,
    *shape: Any,
    mean: float = 0.0,
    std: float = 1.0,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Shard = None,
) -> Tensor:
    """Normal numbers, by the inverse of their distribution (`samebits.random.quantile`).

    Args:
        key: a `Key`, or uint64 of shape (2,) or (*batch, 2).
        shape: of the whole; that of `out` where none is given.
        mean, std: finite, std at least 0.
        dtype: float32 by default, or that of `out`; float16, bfloat16 (a float32 number, rounded), float64.
        device, out, shard: as of `uniform`.

    Returns:
        A tensor of `shape`, or of the shard's.  mean + std * z with |z| at most 6.34, in float64 9.16.

    Raises:
        TypeError: a key, dtype or shape of the wrong kind.
        ValueError: negative sizes, a mean or std that is not finite, a negative std.
    """
    dtype = dtype_of(dtype, out, FLOATING, torch.float32, "normal")
    if type(mean) is not float or type(std) is not float or mean != 0.0 or std != 1.0:
        mean, std = number("mean", mean), number("std", std, least=0.0)
    parameters = UNIT if mean == 0.0 and std == 1.0 else Parameters(std, mean)
    return draw_numbers(Distribution.NORMAL, key, shape, dtype, device, out, shard, parameters)
