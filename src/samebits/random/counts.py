"""Numbers of a key that count: Poisson, binomial, geometric.

Computed in float64, where counts are whole up to 2**53, and rounded once.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from samebits.random import parametric
from samebits.random.arguments import FLOATING
from samebits.random.parametric import INTEGERS, LEAST, MOST, Distribution, Parameter, Range
from samebits.random.placed import Device

_DTYPES: Final = (*FLOATING, *INTEGERS)
_RATE: Final = Range("rate", 0.0, MOST, "from 0 to 2**1000")
_TRIALS: Final = Range("trials", 0.0, 2.0**53, "whole, from 0 to 2**53", whole=True)
_P: Final = Range("p", 0.0, 1.0, "a probability, from 0 to 1")
_P_ABOVE_0: Final = Range("p", LEAST, 1.0, "a probability above 0 (at least 2**-1000)")

Part = tuple[tuple[int, ...], tuple[int, ...]] | None


def poisson(
    key: Tensor,
    rate: Parameter,
    *shape: Any,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Part = None,
) -> Tensor:
    """Poisson numbers: how many events happen where `rate` are expected.

    Rates below 10 by inversion, to probabilities of 2**-106; others by rejection (PTRS).

    Args:
        key: uint64 of shape (2,) or (*batch, 2).
        rate: 0 to 2**1000; a number, or a tensor that broadcasts to the shape.  Above 2**53 the counts are
            rounded to float64.
        shape: of the whole; that of `out`, or of the parameters, where none is given.
        dtype: that of the parameters or of `out` by default, float32 for numbers; any floating dtype, uint8,
            int8, int16, int32, int64.  Counts too large for an integer dtype are its largest number.
        device: where the numbers are; that of `out`, the parameters, `key` by default.
        out: filled and returned; of any layout.
        shard: (start, shape) of the part of the whole that is drawn.

    Returns:
        A tensor of `shape`, or of the shard's.

    Raises:
        TypeError: a key, dtype, shape or rate of the wrong kind.
        ValueError: negative sizes, a rate that is NaN, negative or too large.
    """
    asked = parametric.request("poisson", key, [(_RATE, rate)], shape, dtype, device, out, shard, _DTYPES)
    return parametric.finished(parametric.numbers(Distribution.POISSON, asked), asked)


def binomial(
    key: Tensor,
    trials: Parameter,
    p: Parameter,
    *shape: Any,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Part = None,
) -> Tensor:
    """Binomial numbers: how many of `trials` succeed.

    Where fewer than 10 successes, or failures, are expected by inversion; else by rejection (BTRS).

    Args:
        key: uint64 of shape (2,) or (*batch, 2).
        trials: whole, 0 to 2**53; a number, or a tensor that broadcasts to the shape.
        p: the probability of each; a number from 0 to 1, or a tensor of such.
        shape, dtype, device, out, shard: as of `poisson`.

    Returns:
        A tensor of `shape`, or of the shard's.

    Raises:
        TypeError: a key, dtype, shape or parameter of the wrong kind.
        ValueError: negative sizes, trials that are negative or not whole, a p that is no probability.
    """
    given = [(_TRIALS, trials), (_P, p)]
    asked = parametric.request("binomial", key, given, shape, dtype, device, out, shard, _DTYPES)
    return parametric.finished(parametric.numbers(Distribution.BINOMIAL, asked), asked)


def geometric(
    key: Tensor,
    *shape: Any,
    p: Parameter = 0.5,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Part = None,
) -> Tensor:
    """Geometric numbers: how many trials until the first success, 1 or more, by inversion.

    Args:
        key: uint64 of shape (2,) or (*batch, 2).
        shape: of the whole; that of `out`, or of `p`, where none is given.
        p: the probability of each trial, 2**-1000 to 1; a number, or a tensor of such.
        dtype, device, out, shard: as of `poisson`.

    Returns:
        A tensor of `shape`, or of the shard's: at most 1 + 73.5 / -log(1 - p), beyond which 2**-106 lies.

    Raises:
        TypeError: a key, dtype, shape or p of the wrong kind.
        ValueError: negative sizes, a p that is NaN, 0, negative or above 1.
    """
    asked = parametric.request("geometric", key, [(_P_ABOVE_0, p)], shape, dtype, device, out, shard, _DTYPES)
    return parametric.finished(parametric.numbers(Distribution.GEOMETRIC, asked), asked)
