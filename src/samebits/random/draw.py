"""Numbers of a key: uniform, normal, integers and trials, one word an element.

Element i depends on (key, i) alone, i being its number in the whole tensor, row by row:
a longer draw begins with a shorter one, a shard equals that part of the whole, and the
bits are the same on every device, with any number of threads, in any memory layout.

Two draws with one key are the same draw; derive a key for each (`split`, `fold_in`).
A batch of keys (*batch, 2) draws the leading dimensions of the shape, one key each.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor
from torch.compiler import is_compiling

from samebits.errors import UsageError, UsageTypeError
from samebits.random import dispatched, keys
from samebits.random.arguments import FLOATING, LIMITS, dtype_of, number, probability, rounded, shape_of
from samebits.random.distributions import TRIAL_BITS, UNIT, Distribution, Parameters, threshold
from samebits.random.placed import Device, Shard, drawn

_INTEGERS: Final = tuple(LIMITS)
_TRIALS: Final = (torch.bool, *LIMITS, *FLOATING)


def uniform(
    key: Tensor,
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
        key: uint64 of shape (2,) or (*batch, 2).
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
    return drawn(Distribution.UNIFORM, key, shape, dtype, device, out, shard, parameters)


def normal(
    key: Tensor,
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
        key: uint64 of shape (2,) or (*batch, 2).
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
    return drawn(Distribution.NORMAL, key, shape, dtype, device, out, shard, parameters)


def exponential(
    key: Tensor,
    *shape: Any,
    rate: float = 1.0,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Shard = None,
) -> Tensor:
    """Exponential numbers, greater than 0, by the inverse of their distribution.

    Args:
        key: uint64 of shape (2,) or (*batch, 2).
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
    return drawn(Distribution.EXPONENTIAL, key, shape, dtype, device, out, shard, parameters)


def randint(
    key: Tensor,
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
        key: uint64 of shape (2,) or (*batch, 2).
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
    return drawn(Distribution.INTEGER, key, shape, dtype, device, out, shard, parameters)


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
    key: Tensor,
    *shape: Any,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Shard = None,
) -> Tensor:
    """Random bits: integers of the dtype's whole range, all equally likely; `torch.func._random.bits`'s.

    Args:
        key: uint64 of shape (2,) or (*batch, 2).
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
    return drawn(Distribution.INTEGER, key, shape, dtype, device, out, shard, UNIT)


def bernoulli(
    key: Tensor,
    *shape: Any,
    p: float | Tensor = 0.5,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Shard = None,
) -> Tensor:
    """Ones with a probability, else zeros; the same ones in every dtype.

    Args:
        key: uint64 of shape (2,) or (*batch, 2).
        shape: of the whole; that of `out`, or of `p`, where none is given.
        p: 0 to 1, or a tensor of such that broadcasts to the shape.  Rounded to a multiple of 2**-32, so 1 is
            always one and 0 never.
        dtype: bool by default, or that of `out`; any integer or floating dtype.
        device, out, shard: as of `uniform`; a shard needs one p for all.

    Returns:
        A tensor of `shape`, or of the shard's.

    Raises:
        TypeError: a key, dtype, shape or p of the wrong kind.
        ValueError: negative sizes, a p that is NaN or not from 0 to 1 (looking at a tensor on CUDA waits for
            it; a compiler's or vmap's is not looked at).
    """
    dtype = dtype_of(dtype, out, _TRIALS, torch.bool, "bernoulli")
    if isinstance(p, Tensor):
        return _trials(key, shape, p, dtype, device, out, shard)
    return drawn(
        Distribution.BERNOULLI,
        key,
        shape,
        dtype,
        device,
        out,
        shard,
        Parameters(low=threshold(probability("p", p))),
    )


def _trials(
    key: Tensor,
    shape: tuple[Any, ...],
    p: Tensor,
    dtype: torch.dtype,
    device: Device,
    out: Tensor | None,
    shard: Shard,
) -> Tensor:
    if shard is not None:
        raise UsageError(
            "a shard needs one p for all; draw the words with bits(..., shard=) and compare them"
        )
    if not p.is_floating_point():
        raise UsageTypeError(f"p must have a floating point dtype, not {p.dtype}")
    if not dispatched.is_traced() and not bool(((p >= 0) & (p <= 1)).all()):
        raise UsageError("every p must be a probability, from 0 to 1, and some are not")
    sizes = shape_of(shape) if shape else tuple(out.shape if out is not None else p.shape)
    if out is not None and tuple(out.shape) != sizes:
        raise UsageError(f"out has the shape {tuple(out.shape)}, but {sizes} was asked for")
    if p.dim() > len(sizes) or any(n not in (1, m) for n, m in zip(p.shape[::-1], sizes[::-1], strict=False)):
        raise UsageError(f"p of the shape {tuple(p.shape)} does not broadcast to {sizes}")
    where = out.device if out is not None else device if device is not None else key.device
    word = bits(key, sizes, dtype=torch.int32, device=where)
    below = (p.to(word.device, torch.float64) * (1 << TRIAL_BITS)).round().to(torch.int64)
    ones = ((word.to(torch.int64) & (1 << TRIAL_BITS) - 1) < below).to(dtype)
    return ones if out is None else out.copy_(ones)
