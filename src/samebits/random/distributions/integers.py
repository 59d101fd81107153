"""`bits`, `randint`: low + word mod (high - low)."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor
from torch.compiler import is_compiling

from samebits.errors import UsageError
from samebits.random import keys
from samebits.random.arguments import LIMITS, dtype_of
from samebits.random.keys import KeyLike
from samebits.random.one_word import UNIT, Distribution, Parameters
from samebits.random.output import Device, Shard, draw_numbers

__all__ = ["bits", "randint"]

_INTEGERS: Final = tuple(LIMITS)


def randint(
    key: KeyLike,
    *shape: Any,
    low: int | None = 0,
    high: int | None = None,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Shard = None,
) -> Tensor:
    """Integers of [low, high), bit for bit `torch.func._random.randint`'s.

    A word modulo the range: the range's first numbers are more likely by at most range / 2**32, in dtypes of
    64 bits range / 2**64.

    Args:
        key: a `Key`, or uint64 of shape (2,) or (*batch, 2).
        shape: of the whole; that of `out` where none is given.
        low, high: within the dtype's range; None is its end.
        dtype: int32 by default, or that of `out`; any integer dtype.
        device, out, shard: as of `uniform`.

    Returns:
        A tensor of `shape`, or of the shard's.

    Raises:
        TypeError: a key, dtype, shape or bound of the wrong kind.
        ValueError: negative sizes, low >= high, bounds outside of the dtype, a range of 2**28 and more (other
            than a power of two) in a dtype of fewer than 64 bits, where the likelihoods would differ by 6 %.
    """
    dtype = dtype_of(dtype, out, _INTEGERS, torch.int32, "randint")
    if type(low) is int and type(high) is int and not is_compiling():
        parameters = _spans.get((low, high, dtype))
        if parameters is None:
            if len(_spans) >= _KEPT:
                _spans.clear()
            parameters = _spans[low, high, dtype] = _span(low, high, dtype)
    else:
        parameters = _span(low, high, dtype)
    return draw_numbers(Distribution.INTEGER, key, shape, dtype, device, out, shard, parameters)


#: The parameters of ranges that have been checked: checking one costs as much as a small draw.
_spans: Final[dict[tuple[int, int, torch.dtype], Parameters]] = {}


_KEPT: Final = 1024


def _span(low: int | None, high: int | None, dtype: torch.dtype) -> Parameters:
    least, most = LIMITS[dtype]
    low = least if low is None else keys.integer("low", low)
    high = most if high is None else keys.integer("high", high)
    if low >= high:
        raise UsageError(f"low must be less than high, not low={low}, high={high}")
    if low < least or high > most:
        raise UsageError(f"[{low}, {high}) does not lie within {dtype}, which has [{least}, {most})")
    span = high - low
    if dtype.itemsize < 8 and span >= 1 << 28 and span & (span - 1):
        raise UsageError(
            f"a range of {span} is too large for the 32 random bits of a {dtype}: some numbers would be up "
            f"to {100 / (2**32 // span):.0f} % more likely than others; ask for dtype=torch.int64"
        )
    # All of the dtype is its raw bits, as upstream's is: not shifted by `low`.
    return UNIT if span == most - least else Parameters(low=low % (1 << 64), range=span)


def bits(
    key: KeyLike,
    *shape: Any,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Shard = None,
) -> Tensor:
    """Random bits: integers of the dtype's whole range, all equally likely; `torch.func._random.bits`'s.

    Args:
        key: a `Key`, or uint64 of shape (2,) or (*batch, 2).
        shape: of the whole; that of `out` where none is given.
        dtype: int32 by default, or that of `out`; any integer dtype.  One of fewer than 32 bits has the low
            bits of those of 32.
        device, out, shard: as of `uniform`.

    Returns:
        A tensor of `shape`, or of the shard's.

    Raises:
        TypeError: a key, dtype or shape of the wrong kind.
        ValueError: negative sizes.
    """
    dtype = dtype_of(dtype, out, _INTEGERS, torch.int32, "bits")
    return draw_numbers(Distribution.INTEGER, key, shape, dtype, device, out, shard, UNIT)
