"""Distributions that take one random word for each element; plain torch defines them, on any device.

A word has 32 bits where the dtype has at most 32, else 64; a truncated normal always takes 64.
Trials (bernoulli, dropout) take 32 bits in every dtype, so that a mask does not depend
on the dtype that it masks.  Every product and every sum is a call of its own: a fused
one would round otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final, NamedTuple

import torch
from torch import Tensor

from samebits.random import philox, quantile


class Distribution(IntEnum):
    """In the order of native/job.h."""

    INTEGER = 0
    UNIFORM = 1
    NORMAL = 2
    EXPONENTIAL = 3
    BERNOULLI = 4
    DROPOUT = 5
    TRUNCATED = 6


class Parameters(NamedTuple):
    """A distribution's parameters.

    Attributes:
        a, b: uniform: high - low, low; (truncated) normal: std, mean; exponential: rate; dropout: scale.
        low: integer: the lowest number modulo 2**64; bernoulli and dropout: below which word there is a one,
            0 to 2**32.
        range: integer: how many numbers, 0 for all.
            truncated: `low` and `range` are those of the words in the order of their quantiles.
        least, most: truncated: the results' bounds, of the dtype.
    """

    a: float = 1.0
    b: float = 0.0
    low: int = 0
    range: int = 0
    least: float = 0.0
    most: float = 0.0


#: Of the standard distributions: uniform on [0, 1), normal with mean 0 and std 1, all integers.
UNIT: Final = Parameters()

#: Bits of a trial's word.
TRIAL_BITS: Final = 32

#: Bits of a uniform number: a floating point type's significand.
UNIFORM_BITS: Final = {torch.float64: 53, torch.float32: 24, torch.float16: 11, torch.bfloat16: 8}

#: A number of 64 bits, as a signed integer with the same bits.
_SIGN: Final = 1 << 63


def signed(number: int) -> int:
    """The int64 with the same 64 bits."""
    return (number % (1 << 64) + _SIGN) % (1 << 64) - _SIGN


def threshold(p: float) -> int:
    """Below how many of the 2**32 words there is a one, with a probability."""
    return round(p * (1 << TRIAL_BITS))


def is_wide(distribution: Distribution, dtype: torch.dtype) -> bool:
    """Whether an element takes 64 bits."""
    if distribution is Distribution.TRUNCATED:
        return True
    return (
        dtype.itemsize == 8
        and distribution is not Distribution.BERNOULLI
        and distribution is not Distribution.DROPOUT
    )


def numbers(
    distribution: Distribution,
    dtype: torch.dtype,
    parameters: Parameters,
    key: Tensor,
    elements: philox.Numbers,
    device: torch.device,
    source: Tensor | None = None,
) -> Tensor:
    """A distribution's numbers for some elements.

    Args:
        distribution, dtype, parameters: what is drawn.
        key: uint64 of shape (*batch, 2).
        elements: which.
        device: where they are made.
        source: dropout: what is masked, of shape (*batch, count).

    Returns:
        Of shape (*batch, count) and of `dtype`.
    """
    if is_wide(distribution, dtype):
        high, low = philox.word64(key, elements, device)
        return _WIDE[distribution](high, low, dtype, parameters)
    word = philox.word32(key, elements, device)
    if distribution is Distribution.DROPOUT:
        assert source is not None
        given = source.to(_computed(dtype))
        kept, dropped = (torch.tensor(x, dtype=given.dtype, device=given.device) for x in (parameters.a, 0.0))
        return (given * torch.where(word < parameters.low, kept, dropped)).to(dtype)
    return _NARROW[distribution](word, dtype, parameters)


def _computed(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype is torch.float64 else torch.float32


def _integer(word: Tensor, dtype: torch.dtype, p: Parameters) -> Tensor:
    value = word if p.range == 0 else word % p.range
    return _narrowed(value + p.low, dtype)


def _narrowed(value: Tensor, dtype: torch.dtype) -> Tensor:
    """The low bits, in any integer dtype: torch converts nothing that does not fit."""
    bits = 8 * dtype.itemsize
    value = value & (1 << bits) - 1
    if dtype.is_signed:
        value = value - ((value >> bits - 1) << bits)
    return value.to(dtype)


def _integer_wide(high: Tensor, low: Tensor, dtype: torch.dtype, p: Parameters) -> Tensor:
    if p.range == 0:
        value = high << 32 | low
    elif p.range < 1 << 31:  # a rest is below 2**31, so it and 32 bits are below 2**63
        value = ((high % p.range) << 32 | low) % p.range
    else:
        value = _rest(high << 32 | low, p.range)
    return (value + signed(p.low)).view(dtype)


def _rest(word: Tensor, divisor: int) -> Tensor:
    """`word` modulo `divisor`, both of 64 bits without a sign: int64 with the same bits."""
    if divisor >= _SIGN:  # the quotient is 0 or 1
        reaches = (word ^ -_SIGN) >= signed(divisor) ^ -_SIGN
        return torch.where(reaches, word - signed(divisor), word)
    half = (word >> 1) & _SIGN - 1
    rest = half % divisor  # then twice it, and the last bit: below 2 * divisor, which may pass 2**63
    return _doubled(rest, word & 1, divisor)


def _doubled(rest: Tensor, bit: Tensor, divisor: int) -> Tensor:
    """(2 * rest + bit) modulo `divisor`, for rest < divisor < 2**63, without leaving int64."""
    room = divisor - rest  # rest >= room just where 2 * rest >= divisor
    twice = torch.where(rest >= room, rest - room, rest + rest)
    return torch.where(twice + bit >= divisor, twice + bit - divisor, twice + bit)


def _uniform(word: Tensor, dtype: torch.dtype, p: Parameters) -> Tensor:
    bits = UNIFORM_BITS[dtype]
    unit = (word & (1 << bits) - 1).to(torch.float32) * 2.0**-bits
    return _placed(unit, dtype, p)


def _uniform_wide(high: Tensor, low: Tensor, dtype: torch.dtype, p: Parameters) -> Tensor:
    bits = UNIFORM_BITS[dtype]
    unit = ((high << 32 | low) & (1 << bits) - 1).to(torch.float64) * 2.0**-bits
    return _placed(unit, dtype, p)


def _placed(z: Tensor, dtype: torch.dtype, p: Parameters) -> Tensor:
    """z * a + b, each rounded, in z's dtype."""
    scale, shift = (torch.tensor(x, dtype=z.dtype, device=z.device) for x in (p.a, p.b))
    z = z * scale
    return (z + shift).to(dtype)


def _normal(word: Tensor, dtype: torch.dtype, p: Parameters) -> Tensor:
    return _placed(quantile.normal32(word), dtype, p)


def _normal_wide(high: Tensor, low: Tensor, dtype: torch.dtype, p: Parameters) -> Tensor:
    return _placed(quantile.normal64(high, low), dtype, p)


def _truncated(high: Tensor, low: Tensor, dtype: torch.dtype, p: Parameters) -> Tensor:
    # A product's high half, not a rest: of a stretch of most words a rest would prefer the beginning.
    ordered = (_scaled(high, low, p.range) if p.range else high << 32 | low) + signed(p.low)
    magnitude = torch.where(ordered < 0, ~ordered, ordered)  # the upper half are the positive quantiles
    z = quantile.quantile(quantile.DOUBLE, quantile.NORMAL, magnitude)
    x = _placed(torch.where(ordered < 0, z, -z), torch.float64, p)
    return x.clamp(p.least, p.most).to(_computed(dtype)).to(dtype)


def _scaled(high: Tensor, low: Tensor, range: int) -> Tensor:
    """The high 64 bits of a word times `range`: below it, nearly all equally likely."""
    n1, n0 = range >> 32, range & philox.LOW
    cross = high * n0 + (low * n0 >> 32 & philox.LOW)
    other = low * n1 + (cross & philox.LOW)
    return high * n1 + (cross >> 32 & philox.LOW) + (other >> 32 & philox.LOW)


def _divided(z: Tensor, dtype: torch.dtype, p: Parameters) -> Tensor:
    return (z / torch.tensor(p.a, dtype=z.dtype, device=z.device)).to(dtype)


def _exponential(word: Tensor, dtype: torch.dtype, p: Parameters) -> Tensor:
    return _divided(quantile.exponential32(word), dtype, p)


def _exponential_wide(high: Tensor, low: Tensor, dtype: torch.dtype, p: Parameters) -> Tensor:
    return _divided(quantile.exponential64(high, low), dtype, p)


def _bernoulli(word: Tensor, dtype: torch.dtype, p: Parameters) -> Tensor:
    return (word < p.low).to(dtype)


_NARROW: Final[dict[Distribution, Callable[[Tensor, torch.dtype, Parameters], Tensor]]] = {
    Distribution.INTEGER: _integer,
    Distribution.UNIFORM: _uniform,
    Distribution.NORMAL: _normal,
    Distribution.EXPONENTIAL: _exponential,
    Distribution.BERNOULLI: _bernoulli,
}
_WIDE: Final[dict[Distribution, Callable[[Tensor, Tensor, torch.dtype, Parameters], Tensor]]] = {
    Distribution.INTEGER: _integer_wide,
    Distribution.UNIFORM: _uniform_wide,
    Distribution.NORMAL: _normal_wide,
    Distribution.EXPONENTIAL: _exponential_wide,
    Distribution.TRUNCATED: _truncated,
}
