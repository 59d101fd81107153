"""The normal and the exponential distribution as functions of one word, the same bits everywhere.

A library's log, sqrt, sin differ between devices; a table and a polynomial do not, if
every product and every sum is rounded on its own.  A word's magnitude m (31 or 63 bits)
stands for the probability p = x / 2**(bits of m), times a half for the normal, whose sign
is the word's highest bit; x is m + 1/2 as a floating point number, rounded where it has
more bits.  x gives the row of the table (its octave, cut into equal segments) and the
distance t to the upper end of the segment; the quantile is a polynomial in t.

`single`: 64 rows of degree 6.  Errors against the exact quantile of p: at most 1.8 ulp
(normal) and 2.5 ulp (exponential); results reach 6.34 and 22.2.
`double`: 256 rows of degree 11, at most 1.8 and 3.1 ulp; results reach 9.16 and 44.4.

The upper end of the last segment has the quantile 0, and the distance is measured from
there, so small results keep their relative accuracy and none is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy
import torch
from torch import Tensor

NORMAL: Final = 0
EXPONENTIAL: Final = 1

_FILE: Final = Path(__file__).with_name("quantiles.npz")


@dataclass(frozen=True)
class QuantileGrid:
    """How a magnitude finds its polynomial."""

    name: str
    dtype: torch.dtype
    integer: torch.dtype
    numpy: type[Any]
    magnitude: int  # bits
    mantissa: int  # bits, of the floating point type
    bias: int  # of its exponent
    segments: int  # in an octave
    degree: int

    @property
    def lowest(self) -> int:
        """The exponent of the lowest octave: of m + 1/2 = 1/2."""
        return -1

    @property
    def rows(self) -> int:
        return (self.magnitude - self.lowest) * self.segments

    @property
    def shift(self) -> int:
        """The bits of a number that lie below its row's."""
        return self.mantissa - (self.segments.bit_length() - 1)

    @property
    def first(self) -> int:
        """The row's bits of the lowest octave."""
        return (self.bias + self.lowest) * self.segments

    @property
    def most(self) -> float:
        """The largest number below 2**magnitude: rounding must not leave the table."""
        return 2.0**self.magnitude - 2.0 ** (self.magnitude - self.mantissa - 1)


SINGLE: Final = QuantileGrid("single", torch.float32, torch.int32, numpy.float32, 31, 23, 127, 2, 6)
DOUBLE: Final = QuantileGrid("double", torch.float64, torch.int64, numpy.float64, 63, 52, 1023, 4, 11)


@cache
def numbers(grid: QuantileGrid) -> numpy.ndarray[Any, Any]:
    """The coefficients, (distributions, degree + 1, rows), in memory that stays where it is."""
    with numpy.load(_FILE) as tables:
        return numpy.ascontiguousarray(tables[grid.name])


@cache
def table(grid: QuantileGrid, distribution: int, device: torch.device) -> Tensor:
    """The coefficients of a distribution, (degree + 1, rows)."""
    return torch.from_numpy(numbers(grid)[distribution].copy()).to(device)


def quantile(grid: QuantileGrid, distribution: int, magnitude: Tensor) -> Tensor:
    """The distribution's quantile: positive, of any shape.

    Args:
        grid: `SINGLE` or `DOUBLE`.
        distribution: `NORMAL` or `EXPONENTIAL`.
        magnitude: int64, of the grid's number of bits.
    """
    x = (magnitude.to(grid.integer).to(grid.dtype) + 0.5).clamp_max(grid.most)
    pattern = x.view(grid.integer)
    row = (pattern >> grid.shift) - grid.first
    below = (1 << grid.shift) - 1
    t = (1 + 1 / grid.segments) - (pattern & below | grid.bias << grid.mantissa).view(grid.dtype)
    coefficients = table(grid, distribution, x.device)
    row = row.to(torch.int64)
    z = coefficients[grid.degree][row]
    for power in range(grid.degree - 1, -1, -1):
        z = z * t
        z = z + coefficients[power][row]
    return z


def normal32(word: Tensor) -> Tensor:
    """Standard normal numbers of words of 32 bits (int64, 0 to 2**32 - 1): float32."""
    z = quantile(SINGLE, NORMAL, word & 0x7FFFFFFF)
    return torch.where(word >> 31 == 1, -z, z)


def normal64(high: Tensor, low: Tensor) -> Tensor:
    """Standard normal numbers of words of 64 bits, given as two halves: float64."""
    z = quantile(DOUBLE, NORMAL, (high & 0x7FFFFFFF) << 32 | low)
    return torch.where(high >> 31 == 1, -z, z)


def exponential32(word: Tensor) -> Tensor:
    """Exponential numbers of rate 1 of words of 32 bits: float32, positive."""
    return quantile(SINGLE, EXPONENTIAL, word & 0x7FFFFFFF)


def exponential64(high: Tensor, low: Tensor) -> Tensor:
    """Exponential numbers of rate 1 of words of 64 bits, given as two halves: float64, positive."""
    return quantile(DOUBLE, EXPONENTIAL, (high & 0x7FFFFFFF) << 32 | low)
