"""`log_normal`: exp(mean + std z), z the quantile of a word of 64 bits; float64, then rounded."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from samebits.random import exactmath, parametric, rejection
from samebits.random.arguments import FLOATING
from samebits.random.keys import KeyLike
from samebits.random.output import Device
from samebits.random.parametric import Parameter, Parametric, Range, Region
from samebits.random.quantile import normal64

__all__ = ["log_normal"]

_MOST: Final = torch.finfo(torch.float64).max
_MEAN: Final = Range("mean", -_MOST, _MOST, "finite")
_STD: Final = Range("std", 0.0, _MOST, "finite and at least 0")


def _numbers(cells: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """exp(mean + std * z) of standard normal numbers z.

    Args:
        cells: uint64 of shape (n, 2).
        mean, std: float64 of shape (n,).
    """
    w0, w1, _, _ = rejection.words(cells, 1)
    return exactmath.exp(std * normal64(w0, w1) + mean)


_LOG_NORMAL: Final = Parametric("log_normal", _numbers, code=6)


def log_normal(
    key: KeyLike,
    *shape: Any,
    mean: Parameter = 0.0,
    std: Parameter = 1.0,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Region = None,
) -> Tensor:
    """Log-normal numbers: exp(mean + std * z), z normal, |z| at most 9.16.

    Args:
        key: a `Key`, or uint64 of shape (2,) or (*batch, 2).
        shape: of the whole; that of `out`, or of the parameters, where none is given.
        mean: of the logarithm, finite; a number, or a tensor that broadcasts to the shape.
        std: of the logarithm, finite, at least 0; as `mean`.
        dtype, device, out, shard: as of `cauchy`.

    Returns:
        A tensor of `shape`, or of the shard's.

    Raises:
        TypeError: a key, dtype, shape or parameter of the wrong kind.
        ValueError: negative sizes, a mean that is not finite, a std that is not finite or negative.
    """
    given = [(_MEAN, mean), (_STD, std)]
    asked = parametric.request("log_normal", key, given, shape, dtype, device, out, shard, FLOATING)
    return parametric.finished(parametric.numbers(_LOG_NORMAL, asked), asked)
