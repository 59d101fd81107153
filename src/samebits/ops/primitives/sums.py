"""Sums of terms whose places are data, the same bits in every order of the terms.

One grid for every device.  A term is rounded to a multiple of a quantum that is
small against the largest term of its lane (everything at one coordinate of the
other dimensions), yet so large that a float64 holds every sum of multiples exactly:

    q = 2**(exponent - bits)      |term| < 2**exponent,   bits = 53 - ceil(log2(count)), at most 51
    sum = Σ round(term / q) * q

On a CPU the sum is torch's own, in float64: its kernels are several times faster
than those for int64, and additions that are exact have no order.  Elsewhere it is
that of `exact.Bins`, on the same grid, so that both give the same bits.  A float64
has a remainder below its quantum, which is summed on a second grid in the same way.

What is added to is no term: it gets the sum, rounded to its type, in one addition at
the end, and is left as it is, a negative zero too, where the sum is zero.  For that
the sums are kept negative and subtracted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.ops.primitives import last_write
from samebits.ops.primitives.exact import Bins, Magnitude, accumulated, magnitude
from samebits.ops.primitives.native import native

#: Bits of a float64.  `Bins` has `SPARE` more, and is told of a larger count instead.
BITS, SPARE = 53, 9

#: Terms that a grid provides for at least: a rounder needs |term| <= 2**51 quanta.
FEWEST = 4

#: Elements a piece has on a CPU: its temporaries stay in the cache, and their memory is used again.
PIECE = 1 << 17

#: Columns turned into rows at a time: a line of the cache of float64.
COLUMNS = 8

#: Elements that torch reduces together where a row has as many, or twice as many, ..
TOGETHER = 32

#: Rows shorter than this are reduced several at a time if they are no multiple of that.
SHORT = 512

#: Largest terms below 2**LOWEST count as that: the second grid holds all that a float64 has there.
LOWEST = -1000

#: From this exponent on a rounder of float64 would overflow; `Bins` scales instead.
HIGHEST = 960

#: Of a float64: its exponent.
EXPONENT = 0x7FF << 52


class SumGrid:
    """The quanta of float64 sums, as numbers that round to them: x + 1.5 * 2**52 * q drops what is below q.

    Args:
        size: of the terms, the bound of a last dimension of 1.
        count: how many terms can meet.
        levels: grids: the second holds what the first one drops.
        dim: along which the terms meet.
        scale: what terms up to float32 are multiplied by in float32 before they are rounded.
    """

    def __init__(self, size: Magnitude, count: int, levels: int, dim: int, scale: float = 1) -> None:
        bits = BITS - (max(count, FEWEST) - 1).bit_length()
        bound = size.bound.movedim(-1, dim).double()
        if levels > 1:
            bound = bound.clamp(min=2.0**LOWEST)
        # The terms are less than twice this power of two.
        power = bound.view(torch.int64).bitwise_and(EXPONENT).view(torch.float64)
        self.rounders = [power * (1.5 * 2.0 ** (53 - level * bits)) for level in range(1, levels + 1)]
        self.finite = size.finite
        self.scale = scale

    def part(self, lanes: tuple[slice, ...]) -> SumGrid:
        """The grid of some lanes."""
        grid = object.__new__(SumGrid)
        grid.rounders = [rounder[lanes] for rounder in self.rounders]
        grid.finite, grid.scale = self.finite, self.scale
        return grid

    def parts(self, terms: Tensor) -> Iterator[Tensor]:
        """`-terms` on the grid, in float64, and then what was left of them on the second one, if anything."""
        rest = (terms if self.scale == 1 else terms.float() * self.scale).double()
        for number, rounder in enumerate(self.rounders, 1):
            last = number == len(self.rounders)
            whole = rest.add_(rounder) if last and rest is not terms else rest + rounder
            torch.sub(rounder, whole, out=whole)
            yield whole
            if not last:
                rest = rest + whole
                if not self.finite:
                    rest.masked_fill_(~rest.isfinite(), 0)
                if not any(map(float, torch.aminmax(rest))):
                    return  # as for whole numbers, and for narrow types that were made wide


def add_(self: Tensor, dim: int, index: Tensor, terms: Tensor, scale: float = 1) -> None:
    """`self[..., index[m], ...] += terms[..., m, ...] * scale` along `dim`.

    Args:
        self: floating point; of at least one dimension.
        dim: not negative.
        index: int64 in range; (M,), or of the shape of `terms`.
        terms: of self's dtype and, but for `dim`, shape.
        scale: a term's product with it is rounded in the accumulated type.
    """
    if terms.numel() == 0 or self.numel() == 0:
        return
    wide = accumulated(terms.dtype)
    if scale != 1 and (on_kernels(self) or wide == torch.float64):
        terms, scale = terms.to(wide) * scale, 1
    size = largest(terms, dim)
    if scale != 1:
        # The rounded product of the largest term is the largest rounded product.
        size = Magnitude(size.bound.float() * abs(scale), size.finite)
        if not (size.finite and math.isfinite(float(size.bound.amax()))):
            terms, scale = terms.to(wide) * scale, 1
            size = largest(terms, dim)
    levels = 2 if wide == torch.float64 else 1
    if on_kernels(self) or (levels == 2 and bool((size.bound >= 2.0**HIGHEST).any())):
        _join(self, binned(self.shape, dim, index, terms, size).neg_().add_(0.0))
        return
    grid = SumGrid(size, terms.shape[dim], levels, dim, scale)
    if dim == 0 and index.dim() < self.dim() and 2 * len(terms) < len(self) and self.dtype == wide:
        # Few rows of a large table: a row's sum takes the place of its last term, and the others'
        # places get -0, which is added to no effect.
        total = _summed(terms.shape, 0, last_write.last(index, len(self)), terms, grid)
        _add(self, 0, index, total.to(wide).neg_())
    else:
        _meet_(self, dim, index, terms, grid)


def on_kernels(self: Tensor) -> bool:
    """Whether sums go through `exact.Bins`."""
    return not self.is_cpu or triton_launch.triton_for(self)


def counts(self: Tensor, dim: int, index: Tensor) -> Tensor:
    """How many terms each element of `self` gets: in the accumulated type, broadcastable to self."""
    if index.dim() < self.dim():
        shape = [size if at == dim else 1 for at, size in enumerate(self.shape)]
        index = index.view([-1 if at == dim else 1 for at in range(self.dim())])
    else:
        shape = list(self.shape)
    result = self.new_zeros(shape, dtype=accumulated(self.dtype))
    ones = result.new_ones(()).expand(index.shape)
    if on_kernels(result):
        return result.add_(binned(result.shape, dim, index, ones))
    with native():
        return result.scatter_add_(dim, index, ones)


def binned(
    shape: torch.Size, dim: int, index: Tensor, terms: Tensor, size: Magnitude | None = None
) -> Tensor:
    """The sums through `exact.Bins`, of `shape`, in the accumulated type."""
    terms = terms.movedim(dim, -1)
    index = index.movedim(dim, -1) if index.dim() == terms.dim() else index
    size = size or magnitude(terms, terms.dim() - 1)
    lanes = [extent for at, extent in enumerate(shape) if at != dim]
    count = max(terms.shape[-1], FEWEST) << SPARE
    bins = Bins((*lanes, shape[dim]), size, count, accumulated(terms.dtype))
    bins.add(index, terms)
    return bins.value().movedim(-1, dim)


def largest(terms: Tensor, dim: int) -> Magnitude:
    """One magnitude a lane; the bound has the lanes' shape and a last dimension of 1."""
    if on_kernels(terms) or terms.numel() == 0:
        return magnitude(terms.movedim(dim, -1), terms.dim() - 1)
    width = terms[0].numel() if dim == 0 else 0
    if width == 1:
        bound = _larger(*torch.aminmax(terms.reshape(-1))[::-1]).view(terms.shape[1:])
        if math.isfinite(float(bound)):
            return Magnitude(bound.unsqueeze(-1), True)
        return magnitude(terms.movedim(0, -1), terms.dim() - 1)
    several = TOGETHER // math.gcd(width, TOGETHER)
    whole = len(terms) // several
    if 0 < width < SHORT and several > 1 and whole > 1 and terms.is_contiguous():
        rows = terms[: whole * several].view(whole, several * width)
        bound = _larger(rows.amax(0), rows.amin(0)).view(several, *terms.shape[1:])
        rest = terms[whole * several :]
        bound = torch.cat((bound, rest.abs())).amax(0) if len(rest) else bound.amax(0)
    else:
        bound = _larger(terms.amax(dim), terms.amin(dim))
    # A NaN is the largest.
    if not math.isfinite(float(bound.amax())):
        return magnitude(terms.movedim(dim, -1), terms.dim() - 1)
    return Magnitude(bound.unsqueeze(-1), True)


def _larger(high: Tensor, low: Tensor) -> Tensor:
    return torch.maximum(high, low.neg_(), out=low)


def _meet_(self: Tensor, dim: int, index: Tensor, terms: Tensor, grid: SumGrid) -> None:
    """Add the sums of every element on a CPU, some lanes after the others.

    Args:
        self: of at least one dimension.
        dim: not negative.
        index: int64 in range; (M,), or of the shape of `terms`.
        terms: but for `dim`, of self's shape.
        grid: of all lanes.
    """
    if dim > 0:
        # Slices of the first dimension do not meet.
        step = max(1, PIECE * len(self) // max(self.numel(), terms.numel()))
        for at in range(0, len(self), step):
            part = slice(at, at + step)
            places = index if index.dim() < terms.dim() else index[part]
            own = self[part]
            _join(own, _summed(own.shape, dim, places, terms[part], grid.part((part,))))
    elif index.dim() > 1 and self.numel() > PIECE:
        # Nor do columns, and a few columns' sums fit into the cache, which all of them do not.
        step = max(COLUMNS, PIECE * self.shape[1] // self.numel())
        for at in range(0, self.shape[1], step):
            part = slice(at, at + step)
            own = self[:, part].movedim(0, -1)
            places, values = index[:, part].movedim(0, -1).contiguous(), terms[:, part].movedim(0, -1)
            turned = grid.part((slice(None), part))
            turned.rounders = [rounder.movedim(0, -1) for rounder in turned.rounders]
            _join(own, _summed(own.shape, own.dim() - 1, places, values, turned))
    else:
        _join(self, _summed(self.shape, 0, index, terms, grid))


def _summed(shape: tuple[int, ...], dim: int, index: Tensor, terms: Tensor, grid: SumGrid) -> Tensor:
    """The negative sums, from torch's own kernels, positive zeros where nothing is."""
    total = torch.zeros(shape, dtype=torch.float64)
    rest = torch.zeros_like(total) if len(grid.rounders) > 1 else total
    count = terms.shape[dim]
    step = count if dim > 0 else max(1, PIECE * count // terms.numel())
    for at in range(0, count, step):
        length = min(step, count - at)
        places, values = index, terms
        if length < count:
            places = index.narrow(dim if index.dim() == terms.dim() else 0, at, length)
            values = terms.narrow(dim, at, length)
        for part, into in zip(grid.parts(values), (total, rest), strict=False):
            _add(into, dim, places, part)
    if rest is not total:
        total += rest
    if not grid.finite:
        total.masked_fill_(total.isnan(), torch.nan)
    return total


def _add(into: Tensor, dim: int, index: Tensor, terms: Tensor) -> None:
    with native():
        if index.dim() < terms.dim():
            into.index_add_(dim, index, terms)
        else:
            into.scatter_add_(dim, index, terms)


def _join(self: Tensor, negative: Tensor) -> None:
    """`self -= negative`, each rounded once.  Subtracting a positive zero changes nothing, not even -0."""
    wide = accumulated(self.dtype)
    step = max(1, PIECE * len(self) // self.numel())
    for at in range(0, len(self), step):
        own, less = (
            (self, negative) if step >= len(self) else (self[at : at + step], negative[at : at + step])
        )
        less = less.to(wide)
        if self.dtype == wide:
            own.sub_(less)
        else:
            own.copy_(own.to(wide).sub_(less))
