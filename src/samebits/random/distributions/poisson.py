"""`poisson`: rates below 10 by inversion, others by rejection (PTRS); float64, then rounded.

By inversion, whether a number is above 0 is decided with 106 bits, by how much with 53 more, so that
small rates are as exact as large ones.  Numbers are proposed and rejected after W. Hoermann, "The
transformed rejection method for generating Poisson random variables" (PTRS), Insurance: Mathematics and
Economics 12 (1993).  Its test asks for the logarithm of a probability, the difference of terms as large
as k log k; after C. Loader it is here made of parts that do not cancel, and stays exact to 1e-13 at
means of 1e15.

Numbers are whole as long as a float64 has them all, to 2**53; above, they are rounded.
`native/distributions.c` gives the same bits.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from samebits.random import exactmath, parametric, rejection
from samebits.random.exactmath import deviance, stirling
from samebits.random.keys import KeyLike
from samebits.random.output import Device
from samebits.random.parametric import COUNTS, MOST, Parameter, Parametric, Range, Region
from samebits.random.philox import Words

__all__ = ["poisson"]

#: Means from which on the rejection methods are proven.
_SMALL: Final = 10.0

#: A term of this part of the whole adds nothing: what is left to be shared out is rounding.
_LEAST: Final = 2.0**-60
_RATE: Final = Range("rate", 0.0, MOST, "from 0 to 2**1000")


def _small(cells: Tensor, rate: Tensor) -> Tensor:
    above = -exactmath.expm1(-rate)
    w = rejection.fine(rejection.words(cells, 1))
    active = w < above
    w, least = above - w, above * _LEAST
    p = exactmath.exp(-rate) * rate
    k, number = torch.zeros_like(rate), 1.0
    while True:
        k = torch.where(active, number, k)
        active = active & (w > p) & (p > least)
        if not active.any():
            return k
        number += 1.0
        w = w - p
        p = (p * rate) / torch.full_like(p, number)


def _large(cells: Tensor, rate: Tensor) -> Tensor:
    b = 2.53 * exactmath.sqrt(rate) + 0.931
    return rejection.accepted(cells, _attempt, rate, b)


def _attempt(words: Words, rate: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    a = 0.02483 * b - 0.059
    scale = torch.full_like(b, 1.1328) / (b - 3.4) + 1.1239
    quick = 0.9277 - torch.full_like(b, 3.6224) / (b - 2.0)
    u, v = rejection.unit(words[0], words[1]) - 0.5, rejection.unit(words[2], words[3])
    us = 0.5 - u.abs()
    k = ((((2.0 * a) / us + b) * u + rate) + 0.43).floor()
    inside = ~((k < 0.0) | ((us < 0.013) & (v > us)))
    height = exactmath.log((v * scale) / (a / (us * us) + b))
    known = k.clamp_min(0.0)
    fits = inside & (height <= -(stirling(known) + deviance(known, rate)))
    return k, ((us >= 0.07) & (v <= quick)) | fits


def _numbers(cells: Tensor, rate: Tensor) -> Tensor:
    """Poisson numbers.

    Args:
        cells: uint64 of shape (n, 2), see `rejection.cells`.
        rate: float64 of shape (n,), at least 0.
    """
    return rejection.split(rate < _SMALL, _small, _large, cells, rate)


_POISSON: Final = Parametric("poisson", _numbers, code=2)


def poisson(
    key: KeyLike,
    rate: Parameter,
    *shape: Any,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Region = None,
) -> Tensor:
    """Poisson numbers: how many events happen where `rate` are expected.

    Rates below 10 by inversion, to probabilities of 2**-106; others by rejection (PTRS).

    Args:
        key: a `Key`, or uint64 of shape (2,) or (*batch, 2).
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
    asked = parametric.request("poisson", key, [(_RATE, rate)], shape, dtype, device, out, shard, COUNTS)
    return parametric.finished(parametric.numbers(_POISSON, asked), asked)
