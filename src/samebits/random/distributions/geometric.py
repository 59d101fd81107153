"""`geometric`: 1 + the logarithm of a uniform number of 106 bits over that of 1 - p, rounded down;
float64, then rounded.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from samebits.random import exactmath, parametric, rejection
from samebits.random.keys import KeyLike
from samebits.random.output import Device
from samebits.random.parametric import COUNTS, LEAST, Parameter, Parametric, Range, Region

__all__ = ["geometric"]

_P_ABOVE_0: Final = Range("p", LEAST, 1.0, "a probability above 0 (at least 2**-1000)")


def _numbers(cells: Tensor, p: Tensor) -> Tensor:
    """How many trials until the first success, 1 or more.

    Args:
        cells: uint64 of shape (n, 2).
        p: float64 of shape (n,), above 0, at most 1.
    """
    u = rejection.fine(rejection.words(cells, 1))
    return (exactmath.log(u) / exactmath.log1p(-p)).floor() + 1.0


_GEOMETRIC: Final = Parametric("geometric", _numbers, code=4)


def geometric(
    key: KeyLike,
    *shape: Any,
    p: Parameter = 0.5,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Region = None,
) -> Tensor:
    """Geometric numbers: how many trials until the first success, 1 or more, by inversion.

    Args:
        key: a `Key`, or uint64 of shape (2,) or (*batch, 2).
        shape: of the whole; that of `out`, or of `p`, where none is given.
        p: the probability of each trial, 2**-1000 to 1; a number, or a tensor of such.
        dtype, device, out, shard: as of `poisson`.

    Returns:
        A tensor of `shape`, or of the shard's: at most 1 + 73.5 / -log(1 - p), beyond which 2**-106 lies.

    Raises:
        TypeError: a key, dtype, shape or p of the wrong kind.
        ValueError: negative sizes, a p that is NaN, 0, negative or above 1.
    """
    asked = parametric.request("geometric", key, [(_P_ABOVE_0, p)], shape, dtype, device, out, shard, COUNTS)
    return parametric.finished(parametric.numbers(_GEOMETRIC, asked), asked)
