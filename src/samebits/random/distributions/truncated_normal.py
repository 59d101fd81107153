"""`truncated_normal`: the words in the order of their quantiles; those between the bounds, all
equally likely; float64, then rounded.

A normal number is a growing function of a word, if the words are put in the order of
their quantiles (`one_word._truncated`).  The words whose quantile lies between the bounds
are a stretch of that order; a word of the stretch, all equally likely, gives the number.
The ends of the stretch are found by trying the same table, so no error function is
needed, whose last bits differ between libraries.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final

import torch
from torch import Tensor

from samebits.errors import UsageError
from samebits.random import one_word, quantile
from samebits.random.arguments import FLOATING, dtype_of, number, rounded
from samebits.random.keys import KeyLike
from samebits.random.one_word import Distribution, Parameters
from samebits.random.output import Device, Shard, draw_numbers

__all__ = ["truncated_normal"]

_WORDS: Final = 1 << 64
#: A stretch of fewer words would show its steps.
_FEWEST: Final = 1 << 24
_FAN: Final = 8  # bits of the search that one look at the table decides


def truncated_normal(
    key: KeyLike,
    *shape: Any,
    mean: float = 0.0,
    std: float = 1.0,
    low: float = -2.0,
    high: float = 2.0,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Shard = None,
) -> Tensor:
    """Normal numbers, given that they lie between two bounds.

    Args:
        key: a `Key`, or uint64 of shape (2,) or (*batch, 2).
        shape: of the whole; that of `out` where none is given.
        mean, std: of the normal distribution before it is cut; finite, std greater than 0.
        low, high: the bounds, low < high; may be infinite.  As in `torch.nn.init.trunc_normal_`, they are
            values, not numbers of std.
        dtype: float32 by default, or that of `out`; float16, bfloat16, float64.  Computed in float64.
        device, out, shard: as of `samebits.random.uniform`.

    Returns:
        A tensor of `shape`, or of the shard's; every number is at least `low` and at most `high`.

    Raises:
        TypeError: a key, dtype or shape of the wrong kind.
        ValueError: negative sizes; a mean or std that cannot be meant; bounds not in order, without a number
            of the dtype between them, or so far out (some 7 std) that too few words lie between them.
    """
    dtype = dtype_of(dtype, out, FLOATING, torch.float32, "truncated_normal")
    mean, std = number("mean", mean), number("std", std, positive=True)
    low, high = _bound("low", low), _bound("high", high)
    if not low < high:
        raise UsageError(f"low must be less than high, not low={low}, high={high}")
    least, most = _inside(low, dtype, up=True), _inside(high, dtype, up=False)
    if least > most:
        raise UsageError(f"no number of {dtype} lies between low={low} and high={high}")
    first = _position((low - mean) / std, after=False)
    words = _position((high - mean) / std, after=True) - first
    if words < _FEWEST:
        raise UsageError(
            f"between low={low} and high={high} lies too little of a normal distribution with mean={mean}, "
            f"std={std}: less than 2**-40 of it; move the bounds nearer to the mean"
        )
    parameters = Parameters(std, mean, first, words % _WORDS, least, most)
    return draw_numbers(Distribution.TRUNCATED, key, shape, dtype, device, out, shard, parameters)


def _bound(name: str, value: Any) -> float:
    if isinstance(value, (int, float)) and math.isinf(value):
        return float(value)
    return number(name, value)


def _inside(bound: float, dtype: torch.dtype, *, up: bool) -> float:
    """The bound, or where the dtype has no such number the next one inside."""
    if math.isinf(bound):
        return math.copysign(torch.finfo(dtype).max, bound)
    near = rounded(bound, dtype)
    outside = near < bound if up else near > bound
    if not outside:
        return near
    ends = torch.tensor([near, math.inf if up else -math.inf], dtype=dtype)
    return float(torch.nextafter(ends[0], ends[1]).item())


@lru_cache(maxsize=1024)
def _position(z: float, *, after: bool) -> int:
    """How many words have a quantile less than z; or at most z."""
    found = 0
    for shift in range(64 - _FAN, -1, -_FAN):  # the words below found << shift are known to
        tried = [(found << _FAN | digit) << shift for digit in range(1 << _FAN)]
        quantiles = _quantiles([word | (1 << shift) - 1 for word in tried])  # the last of each stretch
        reached = quantiles <= z if after else quantiles < z
        found = found << _FAN | min(int(reached.sum()), (1 << _FAN) - 1)
    return found + int(bool(_quantiles([found]) <= z if after else _quantiles([found]) < z))


def _quantiles(words: list[int]) -> Tensor:
    """The standard quantiles of words in their order: float64, growing."""
    ordered = torch.tensor([one_word.signed(word) for word in words])
    z = quantile.quantile(quantile.DOUBLE, quantile.NORMAL, torch.where(ordered < 0, ~ordered, ordered))
    return torch.where(ordered < 0, z, -z)
