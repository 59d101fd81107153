"""Sums that do not depend on the order in which their terms arrive.

A float sum depends on the order of its terms, and the order of atomic additions
is chosen by the hardware.  Integers have no such order.  So every term is
rounded to a whole number of *quanta*, a power of two small enough that `count`
of the largest terms fit into 62 bits, and the whole numbers are added:

    q = 2**(exponent - bits)        |term| < 2**exponent,  bits = 62 - ceil(log2(count))
    sum = q * Σ round(term / q)

No overflow: |round(term / q)| <= 2**bits, and count * 2**bits <= 2**62, half of
what an int64 holds.  So a bound that is too small by less than a factor of two,
as from the rounding of a product, is harmless too.

Error: scaling by a power of two is exact, a term loses at most q / 2, and the
sum is rounded once.  So beside half an ulp of the result a bin of k terms is off
by at most k * q / 2 <= k * bound * 2**-bits.  With 2**14 terms in a bin, bits is
48, and a float32 has 24: mostly the correctly rounded sum.  A float64 has 53, so
its remainders are summed in a second integer, with quanta of q * 2**-bits.

NaN and infinities have no integer.  They are noted beside the sum, and give
what a float sum gives: NaN for a NaN or for infinities of both signs.

The idea of summing in fixed point: Demmel and Nguyen, "Parallel reproducible
summation", IEEE Transactions on Computers 64 (2015), https://doi.org/10.1109/TC.2014.2345391
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from samebits._runtime import triton_launch

#: A sum of `count` terms of `bits` bits stays at or below 2**62, so that its sign and rounding up fit too.
SUM_BITS = 62

#: Flags of a bin that an infinity, or a NaN, which is both, has reached.
PLUS, MINUS = 1, 2

#: Terms handled at a time on a CPU: the temporaries, 12 bytes a term, stay in the cache.
PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class Magnitude:
    """How large terms can be.

    Attributes:
        bound: float32 or float64, broadcastable to the bins with a last dimension of 1; finite, at
            least the magnitude of every finite term.
        finite: whether every term is known to be finite; None where asking would make the host
            wait for the device, so that it must be assumed that some are not.
    """

    bound: Tensor
    finite: bool | None


def magnitude(terms: Tensor, lanes: int = 0) -> Magnitude:
    """The largest magnitude of `terms`, one a lane.

    Args:
        terms: floating point, any shape.
        lanes: how many leading dimensions keep a scale of their own: one channel's large gradients
            then cost another's nothing.
    """
    dtype = accumulated(terms.dtype)
    if terms.numel() == 0:
        return Magnitude(terms.new_zeros((*terms.shape[:lanes], 1), dtype=dtype), True)
    if triton_launch.triton_for(terms):
        from samebits.ops.primitives._triton import exact as kernels

        return Magnitude(kernels.largest(terms, lanes), None)
    reduced = tuple(range(lanes, terms.dim()))
    if reduced:
        # Two reductions cost less than one of the magnitudes, which would be stored first.
        bound = torch.maximum(terms.amax(reduced), terms.amin(reduced).neg_())
    else:
        bound = terms.abs()
    finite = bool(bound.isfinite().all())
    if not finite:
        known = torch.where(terms.isfinite(), terms, 0).abs_()
        bound = known.amax(reduced) if reduced else known
    return Magnitude(bound.unsqueeze(-1).to(dtype), finite)


def accumulated(dtype: torch.dtype) -> torch.dtype:
    """The type that terms of `dtype` are computed in: float64 for itself, float32 for all below."""
    return torch.float64 if dtype == torch.float64 else torch.float32


class Bins:
    """Sums in bins along the last dimension, the same bits in every order of the additions.

    Args:
        shape: of the bins, (..., B).
        size: of the terms; `bound` broadcasts against `shape`.
        count: how many terms one bin can get at most, over all calls of `add`.
        dtype: of the terms and of the result.

    Index B, one past the last bin, is nowhere: terms there are dropped.

    Attributes:
        total: int64, (..., B + 1): the sums in quanta.
        remainder: int64, (..., B + 1), for float64: what the terms' rounding left.
        raised: int32, (..., B + 1): `PLUS` and `MINUS`, or None where every term is finite.
        factors: what a term is multiplied by in turn to be in quanta; powers of two, one a lane.
            Two, where one would not be a normal number of the type.
    """

    def __init__(self, shape: Sequence[int], size: Magnitude, count: int, dtype: torch.dtype) -> None:
        *self.lanes, self.bins = shape
        self.dtype = dtype
        self.bits = SUM_BITS - max(int(count) - 1, 0).bit_length()
        device = size.bound.device
        self.fused = triton_launch.triton_for(size.bound)
        exponent = self.bits - torch.frexp(size.bound).exponent
        self.factors = [
            factor.expand(*self.lanes, 1) for factor in _factors(exponent, size.bound.dtype, self.fused)
        ]
        self._inverse = _factors(exponent.neg(), size.bound.dtype, self.fused)
        whole = (*self.lanes, self.bins + 1)
        self.total = torch.zeros(whole, dtype=torch.int64, device=device)
        self.remainder = torch.zeros_like(self.total) if dtype == torch.float64 else None
        self.raised = None if size.finite else torch.zeros(whole, dtype=torch.int32, device=device)

    def add(self, index: Tensor, terms: Tensor) -> None:
        """Add each term to its bin.

        Args:
            index: int64 in [0, B], broadcastable to the shape of `terms`.
            terms: floating point, (..., M), broadcastable to the lanes of the bins.
        """
        terms = terms.expand(*self.lanes, terms.shape[-1])
        index = index.expand(terms.shape)
        if terms.numel() == 0:
            return
        if self.fused:
            from samebits.ops.primitives._triton import exact as kernels

            kernels.add(self, index, terms)
            return
        for place in _pieces(terms.shape, PIECE):
            lane = place[: len(self.lanes)]
            self._add(lane, index[place], terms[place])

    def _add(self, lane: tuple[slice, ...], index: Tensor, terms: Tensor) -> None:
        scaled = terms.to(self.factors[0].dtype) * self.factors[0][lane]
        for factor in self.factors[1:]:
            scaled *= factor[lane]
        self.add_quanta(lane, index, scaled)

    def add_quanta(self, lane: tuple[slice, ...], index: Tensor, scaled: Tensor) -> None:
        """Add terms that were multiplied by `factors`; `scaled` is overwritten.  In plain torch only.

        Args:
            lane: which lanes of the bins the terms belong to.
            index: int64, (..., M).
            scaled: float32 or float64, (..., M).
        """
        total = self.total[lane]
        if self.raised is not None:
            scaled = _note(self.raised[lane], index, scaled)
        if self.remainder is None:
            total.scatter_add_(-1, index, scaled.round_().long())
            return
        rounded = scaled.round()
        total.scatter_add_(-1, index, rounded.long())
        rest = scaled.sub_(rounded).mul_(2.0**self.bits).round_()
        self.remainder[lane].scatter_add_(-1, index, rest.long())

    def value(self) -> Tensor:
        """The sums, of the bins' shape and dtype."""
        if self.fused and self.total.numel() > 0:
            from samebits.ops.primitives._triton import exact as kernels

            return kernels.value(self, self._inverse)
        total = self.total.narrow(-1, 0, self.bins)
        result = total.to(accumulated(self.dtype))
        if self.remainder is not None:
            # An int64 has more bits than a float64: what the conversion left goes to the remainder.
            rest = (total - result.long()).double()
            result += rest + self.remainder.narrow(-1, 0, self.bins).double() * 2.0**-self.bits
        for factor in self._inverse:
            result *= factor
        if self.raised is not None:
            raised = self.raised.narrow(-1, 0, self.bins)
            for flags, value in ((PLUS, torch.inf), (MINUS, -torch.inf), (PLUS | MINUS, torch.nan)):
                result.masked_fill_(raised == flags, value)
        return result.to(self.dtype)


def _factors(exponent: Tensor, dtype: torch.dtype, always: bool) -> list[Tensor]:
    """Powers of two whose product is `2**exponent`; the second only where it is needed or `always`."""
    limit = 126 if dtype == torch.float32 else 1022
    near = exponent.clamp(-limit, limit)
    far = exponent - near
    factors = [_power(near, dtype)]
    if always or bool(far.any()):
        factors.append(_power(far, dtype))
    return factors


def _power(exponent: Tensor, dtype: torch.dtype) -> Tensor:
    """`2**exponent`, from its bits; `torch.ldexp` goes through a float32 power."""
    if dtype == torch.float32:
        return (exponent.int() + 127).bitwise_left_shift(23).view(dtype)
    return (exponent.long() + 1023).bitwise_left_shift(52).view(dtype)


def _note(raised: Tensor, index: Tensor, terms: Tensor) -> Tensor:
    """Flag the bins that non-finite terms reach, and return the terms with zeros in their place."""
    unknown = terms.isnan()
    for flag, sign in ((PLUS, torch.inf), (MINUS, -torch.inf)):
        seen = torch.zeros_like(raised).scatter_add_(-1, index, ((terms == sign) | unknown).int())
        raised.bitwise_or_((seen != 0).int() * flag)
    return torch.where(terms.isfinite(), terms, 0)


def _pieces(shape: Sequence[int], limit: int) -> list[tuple[slice, ...]]:
    """Parts of `shape`, of at most `limit` elements each, that cover it."""
    if math.prod(shape) <= limit:
        return [()]
    size, *rest = shape
    inner = math.prod(rest)
    if inner <= limit:
        step = limit // inner
        return [(slice(at, at + step),) for at in range(0, size, step)]
    return [(slice(at, at + 1), *part) for at in range(size) for part in _pieces(rest, limit)]
