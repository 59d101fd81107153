"""`cauchy`: median + sigma times a cotangent of 106 bits, and a sign; float64, then rounded."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from samebits.random import exactmath, parametric, rejection
from samebits.random.arguments import FLOATING
from samebits.random.keys import KeyLike
from samebits.random.output import Device
from samebits.random.parametric import Parameter, Parametric, Range, Region

__all__ = ["cauchy"]

_MOST: Final = torch.finfo(torch.float64).max
_MEDIAN: Final = Range("median", -_MOST, _MOST, "finite")
_SIGMA: Final = Range("sigma", 5e-324, _MOST, "finite and greater than 0")


def _numbers(cells: Tensor, median: Tensor, sigma: Tensor) -> Tensor:
    """Cauchy numbers: a cotangent, up to 2**106, and a sign.

    Args:
        cells: uint64 of shape (n, 2), see `rejection.cells`.
        median, sigma: float64 of shape (n,).
    """
    words = rejection.words(cells, 1)
    x = exactmath.cotpi(0.5 * rejection.fine(words))
    return sigma * torch.where(words[1] & 1 == 1, -x, x) + median


_CAUCHY: Final = Parametric("cauchy", _numbers, code=5)


def cauchy(
    key: KeyLike,
    *shape: Any,
    median: Parameter = 0.0,
    sigma: Parameter = 1.0,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Region = None,
) -> Tensor:
    """Cauchy numbers: median + sigma * x, |x| up to 5e31.

    Args:
        key: a `Key`, or uint64 of shape (2,) or (*batch, 2).
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
    return parametric.finished(parametric.numbers(_CAUCHY, asked), asked)
