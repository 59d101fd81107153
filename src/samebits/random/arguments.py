"""What callers may give: shapes, dtypes, bounds; each wrong one gets an error before anything is drawn."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor

from samebits.errors import UsageError, UsageTypeError

FLOATING: Final = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

#: The lowest number of an integer dtype, and the highest plus one.
LIMITS: Final = {
    torch.uint8: (0, 1 << 8),
    torch.int8: (-(1 << 7), 1 << 7),
    torch.uint16: (0, 1 << 16),
    torch.int16: (-(1 << 15), 1 << 15),
    torch.uint32: (0, 1 << 32),
    torch.int32: (-(1 << 31), 1 << 31),
    torch.uint64: (0, 1 << 64),
    torch.int64: (-(1 << 63), 1 << 63),
}
_MOST_ELEMENTS: Final = 1 << 62

#: The roundings on the way from float64: bits of the significand, exponent of the smallest number.
_ROUNDINGS: Final[dict[torch.dtype, tuple[tuple[int, int], ...]]] = {
    torch.float64: (),
    torch.float32: ((24, -149),),
    torch.float16: ((24, -149), (11, -24)),
    torch.bfloat16: ((24, -149), (8, -133)),
}
_LARGEST: Final = {dtype: torch.finfo(dtype).max for dtype in FLOATING}


def shape_of(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape, given as integers or as one sequence of them.

    Raises:
        TypeError: something in it is no integer.
        ValueError: a size is negative, or there are more than 2**62 elements.
    """
    given: Sequence[Any] = shape
    if len(shape) == 1:
        if type(shape[0]) is int and 0 <= shape[0] < _MOST_ELEMENTS:
            return shape
        if isinstance(shape[0], Sequence):
            given = shape[0]
    try:
        sizes = tuple([operator.index(size) for size in given])
    except TypeError:
        raise UsageTypeError(
            f"a shape is integers or one tuple of them, e.g. uniform(key, 2, 3); got {given!r}"
        ) from None
    if any(size < 0 for size in sizes):
        raise UsageError(f"sizes must not be negative: {sizes}")
    if math.prod(sizes) > _MOST_ELEMENTS or max(sizes, default=0) > _MOST_ELEMENTS:
        raise UsageError(f"the shape {sizes} has more than 2**62 elements")
    return sizes


def dtype_of(
    dtype: torch.dtype | None,
    out: Tensor | None,
    allowed: Sequence[torch.dtype],
    default: torch.dtype,
    distribution: str,
) -> torch.dtype:
    """The dtype that is drawn: the given one, else that of `out`, else the default.

    Raises:
        TypeError: it is none of `allowed`, or another one than that of `out`; `out` is no tensor.
        ValueError: `out` requires gradients, and they are on.
    """
    if out is not None:
        if not isinstance(out, Tensor):
            raise UsageTypeError(f"out must be a tensor, not {_described(out)}")
        if out.requires_grad and torch.is_grad_enabled():
            raise UsageError("out requires gradients, which no draw has: draw within torch.no_grad()")
    if dtype is None:
        dtype = out.dtype if out is not None else default
    if dtype not in allowed:
        names = ", ".join(str(one).removeprefix("torch.") for one in allowed)
        raise UsageTypeError(f"{distribution} draws {names}, not {dtype!r}")
    if out is not None and out.dtype is not dtype:
        raise UsageTypeError(f"out has the dtype {out.dtype}, but dtype={dtype} was asked for")
    return dtype


def number(name: str, value: Any, *, positive: bool = False, least: float = -math.inf) -> float:
    """A finite number.

    Raises:
        TypeError: it is no number.
        ValueError: it is NaN, infinite, or too small.
    """
    if type(value) is not float:
        if (isinstance(value, Tensor) and value.numel() != 1) or isinstance(value, (str, bytes)):
            raise UsageTypeError(f"{name} must be one number, not {_described(value)}")
        try:
            value = float(value.detach() if isinstance(value, Tensor) else value)
        except (TypeError, ValueError):
            raise UsageTypeError(f"{name} must be one number, not {_described(value)}") from None
        except OverflowError:
            raise UsageError(f"{name} must be finite: the given one is too large for a float") from None
    if not -math.inf < value < math.inf:  # as a compiler follows it, which knows no isfinite
        raise UsageError(f"{name} must be finite, not {value}")
    if positive and value <= 0:
        raise UsageError(f"{name} must be greater than 0, not {value}")
    if value < least:
        raise UsageError(f"{name} must be at least {least:g}, not {value}")
    return float(value)


def probability(name: str, value: Any) -> float:
    """A number from 0 to 1.

    Raises:
        TypeError: it is no number.
        ValueError: it is NaN, or not from 0 to 1.
    """
    p = value if type(value) is float else number(name, value)
    if not 0 <= p <= 1:  # nor is NaN
        raise UsageError(f"{name} must be a probability, from 0 to 1, not {p}")
    return p


def rounded(value: float, dtype: torch.dtype) -> float:
    """A finite number in `dtype`, as torch converts it: to float32 first where `dtype` has fewer bits.

    In Python's numbers, which a compiler sees through and the default device does not move.

    Raises:
        ValueError: it is too large for the dtype.
    """
    near, largest = value, _LARGEST[dtype]
    if abs(near) < 4 * largest:  # near the largest float64 the rounding itself could not be computed
        for bits, lowest in _ROUNDINGS[dtype]:
            exponent = max(math.frexp(near)[1] - bits, lowest)
            near = math.ldexp(round(math.ldexp(near, -exponent)), exponent)
    if abs(near) > largest:
        raise UsageError(f"{value} is too large for {dtype}")
    return near


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return repr(value) if isinstance(value, (str, bytes, type(None))) else f"a {type(value).__name__}"
