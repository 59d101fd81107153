"""Products of factors whose places are data, the same bits in every order of the factors.

A product of floats is rounded at every step, so its order shows.  Up to float32 the
logarithms are added instead, in float64 and exactly (`sums`), which no order changes:

    prod x = ± 2**(Σ round(log2|x|)),  the sign from the number of negative factors

It is right to a fraction of float32's last bit, has no overflow on the way, and a zero
(-inf), an infinity and a NaN are what a sum makes of their logarithms.

A logarithm in float64 has no bits to spare for float64.  There the factors of a place
are sorted by value, which makes their order their own, and are multiplied in pairs,
then the pairs in pairs.  Their exponents are taken off and added as integers, so that
no pair overflows.  Whole numbers wrap around in any order, and are not sorted.
"""

from __future__ import annotations

import torch
from torch import Tensor

from samebits.ops import sums
from samebits.ops.exact import Magnitude
from samebits.ops.native import native

#: No float up to float32 has a larger logarithm.
HIGHEST = 150.0

#: Up to so many factors one grid of logarithms is finer than float32's last bit.
MANY = 1 << 16

#: As many negative factors as float32 counts.
MOST = 1 << 24


def multiply_(self: Tensor, dim: int, index: Tensor, factors: Tensor) -> None:
    """`self[..., index[m], ...] *= factors[..., m, ...]` along `dim`.

    Args:
        self: floating point or integer; of at least one dimension.
        dim: not negative.
        index: int64 in range; (M,), or of the shape of `factors`.
        factors: of self's dtype and, but for `dim`, shape.
    """
    if factors.numel() == 0 or self.numel() == 0:
        return
    if self.is_floating_point() and self.dtype != torch.float64 and factors.shape[dim] < MOST:
        _by_logarithms_(self, dim, index, factors)
    else:
        _by_pairs_(self, dim, index, factors)


def _by_logarithms_(self: Tensor, dim: int, index: Tensor, factors: Tensor) -> None:
    count = factors.shape[dim]
    lanes = [size for at, size in enumerate(factors.shape) if at != dim]
    bound = torch.full((*lanes, 1), HIGHEST, dtype=torch.float64, device=self.device)
    size = Magnitude(bound, None if sums.on_kernels(self) else False)
    grid = sums.Grid(size, count, 1 if count <= MANY else 2, _logarithm)
    if not sums.on_kernels(self):
        signs = bool(sums.minus_ones(factors).amin() < 0)
        sums.meet_(self, dim, index, factors, grid, _multiply_, signs)
        return
    logarithm = _logarithm(factors)
    if count <= MANY:
        logarithm = next(grid.along(dim).parts(factors)).neg_()
    negative = sums.binned(self.shape, dim, index, factors.signbit().float())
    _multiply_(
        self, sums.binned(self.shape, dim, index, logarithm, size).neg_().add_(0.0), negative.remainder_(2)
    )


def _logarithm(factors: Tensor) -> Tensor:
    return factors.double().abs_().log2_()


def _multiply_(self: Tensor, negative: Tensor, signs: Tensor | None) -> None:
    """`self *= 2**-negative`, with the sign of an odd number of negative factors."""
    product = negative.neg_().exp2_()
    if signs is not None:
        product.mul_(1 - 2 * signs.int().bitwise_and_(1))
    self.copy_(product.mul_(self))


def _by_pairs_(self: Tensor, dim: int, index: Tensor, factors: Tensor) -> None:
    place, factors = _places(self, dim, index, factors), factors.reshape(-1)
    floating = factors.is_floating_point()
    if floating:
        order = factors.argsort()
        place, factors = place[order], factors[order]
    place, order = place.sort(stable=True)
    factors, exponent = _parted(factors[order])
    while True:
        after = torch.ones_like(place, dtype=torch.bool)  # whether a place's factors start here
        torch.ne(place[1:], place[:-1], out=after[1:])
        if bool(after.all()):
            break
        position = torch.arange(len(place), device=place.device)
        number = position - torch.where(after, position, 0).cummax(0).values
        left = (number % 2 == 0).nonzero().squeeze(1)
        right = (left + 1).clamp_(max=len(place) - 1)
        alone = (right == left) | after[right]
        place = place[left]
        factors, more = _parted(factors[left] * torch.where(alone, 1, factors[right]))
        exponent = exponent[left] + torch.where(alone, 0, exponent[right]) + more
    flat = self.reshape(-1)
    own, more = _parted(flat[place])
    own = own * factors
    with native():
        flat.scatter_(0, place, _scaled(own, exponent + more) if floating else own)
    if not self.is_contiguous():
        self.copy_(flat.view(self.shape))


def _parted(values: Tensor) -> tuple[Tensor, Tensor]:
    """Numbers in [0.5, 1) and their exponents, int64; what has no exponent has 0."""
    if not values.is_floating_point():
        return values, torch.zeros((), dtype=torch.int64, device=values.device).expand(values.shape)
    mantissa, exponent = torch.frexp(values)
    return mantissa, exponent.long().masked_fill_(~values.isfinite(), 0)


def _scaled(values: Tensor, exponent: Tensor) -> Tensor:
    """`values * 2**exponent`, rounded once; of float64."""
    mantissa, more = _parted(values)
    exponent = (exponent + more).clamp(-1200, 1200)
    # Large steps first; the last one, of a number that is still normal, is the one that rounds.
    first = exponent.clamp(-1000, 1000)
    return mantissa * _power(first) * _power(exponent - first)


def _power(exponent: Tensor) -> Tensor:
    return (exponent + 1023).bitwise_left_shift(52).view(torch.float64)


def _places(self: Tensor, dim: int, index: Tensor, factors: Tensor) -> Tensor:
    """The flat position in `self` of every factor."""
    place = (
        index
        if index.dim() == factors.dim()
        else index.view([-1 if at == dim else 1 for at in range(self.dim())])
    )
    stride = 1
    result = torch.zeros((), dtype=torch.int64, device=self.device)
    for at in reversed(range(self.dim())):
        own = (
            place
            if at == dim
            else torch.arange(factors.shape[at], device=self.device).view(
                [-1 if other == at else 1 for other in range(self.dim())]
            )
        )
        result = result + own * stride
        stride *= self.shape[at]
    return result.expand(factors.shape).reshape(-1)
