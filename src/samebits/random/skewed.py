"""Numbers of a key with long tails: Cauchy, log-normal.

Computed in float64 and rounded once.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from samebits.random import parametric
from samebits.random.arguments import FLOATING
from samebits.random.parametric import Distribution, Parameter, Range
from samebits.random.placed import Device

_MOST: Final = torch.finfo(torch.float64).max
_MEDIAN: Final = Range("median", -_MOST, _MOST, "finite")
_SIGMA: Final = Range("sigma", 5e-324, _MOST, "finite and greater than 0")
_MEAN: Final = Range("mean", -_MOST, _MOST, "finite")
_STD: Final = Range("std", 0.0, _MOST, "finite and at least 0")

Part = tuple[tuple[int, ...], tuple[int, ...]] | None


def cauchy(
    key: Tensor,
    *shape: Any,
    median: Parameter = 0.0,
    sigma: Parameter = 1.0,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Part = None,
) -> Tensor:
    """Cauchy numbers: median + sigma * x, |x| up to 5e31.

    Args:
        key: uint64 of shape (2,) or (*batch, 2).
        shape: of the whole; that of `out`, or of the parameters, where none is given.
        median: finite; a number, or a tensor that broadcasts to the shape.
        sigma: finite, greater than 0; as `median`.
        dtype: that of the parameters or of `out` by default, float32 for numbers; float16, bfloat16, float32,
            float64.  Numbers too large for it are infinite.
        device: where the numbers are; that of `out`, the parameters, `key` by default.
        out: filled and returned; of any layout.
        shard: (start, shape) of the part of the whole that is drawn.

    Returns:
        A tensor of `shape`, or of the shard's.

    Raises:
        TypeError: a key, dtype, shape or parameter of the wrong kind.
        ValueError: negative sizes, a median that is not finite, a sigma that is not finite and positive.
    """
    given = [(_MEDIAN, median), (_SIGMA, sigma)]
    asked = parametric.request("cauchy", key, given, shape, dtype, device, out, shard, FLOATING)
    return parametric.finished(parametric.numbers(Distribution.CAUCHY, asked), asked)


def log_normal(
    key: Tensor,
    *shape: Any,
    mean: Parameter = 0.0,
    std: Parameter = 1.0,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Part = None,
) -> Tensor:
    """Log-normal numbers: exp(mean + std * z), z normal, |z| at most 9.16.

    Args:
        key: uint64 of shape (2,) or (*batch, 2).
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
    return parametric.finished(parametric.numbers(Distribution.LOG_NORMAL, asked), asked)
