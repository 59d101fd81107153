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

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from samebits.ops import backend, writers
from samebits.ops.exact import Bins, Magnitude, accumulated, magnitude
from samebits.ops.native import native

#: Bits of a float64.  `Bins` has `SPARE` more, and is told of a larger count instead.
BITS, SPARE = 53, 9

#: Terms that a grid provides for at least: a rounder needs |term| <= 2**51 quanta.
FEWEST = 4

#: Elements a piece has on a CPU: its temporaries stay in the cache, and their memory is used again.
PIECE = 1 << 17

#: Columns turned into rows at a time: a line of the cache of float64.
COLUMNS = 8

#: From this exponent on a rounder of float64 would overflow; `Bins` scales instead.
HIGHEST = 960

#: What becomes of a part of `self`, given the negative sums and, if asked for, minus the number of negative
#: terms.
Finish = Callable[[Tensor, Tensor, Tensor | None], None]


class Grid:
    """The quanta of float64 sums, as numbers that round to them: x + 1.5 * 2**52 * q drops what is below q.

    Args:
        size: of the terms, the bound of a last dimension of 1.
        count: how many terms can meet.
        levels: grids: the second holds what the first one drops.
        prepared: what makes float64 terms of those given.
    """

    def __init__(
        self, size: Magnitude, count: int, levels: int, prepared: Callable[[Tensor], Tensor] = Tensor.double
    ) -> None:
        bits = BITS - (max(count, FEWEST) - 1).bit_length()
        exponent = torch.frexp(size.bound).exponent - bits
        self.rounders = [_rounder(exponent - level * bits) for level in range(levels)]
        self.finite = size.finite
        self.prepared = prepared

    def along(self, dim: int, lanes: slice = slice(None)) -> Grid:
        """The grid of some lanes, for terms that meet along `dim` instead of the last dimension."""
        grid = object.__new__(Grid)
        grid.rounders = [rounder[lanes].movedim(-1, dim) for rounder in self.rounders]
        grid.finite, grid.prepared = self.finite, self.prepared
        return grid

    def parts(self, terms: Tensor) -> Iterator[Tensor]:
        """`-terms` on the grid, in float64, and then what was left of them on the second one."""
        rest = self.prepared(terms)
        for number, rounder in enumerate(self.rounders, 1):
            last = number == len(self.rounders)
            whole = rest.add_(rounder) if last and rest is not terms else rest + rounder
            torch.sub(rounder, whole, out=whole)
            yield whole
            if not last:
                rest = rest + whole
                if not self.finite:
                    rest.masked_fill_(~rest.isfinite(), 0)


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
        size = Magnitude(size.bound * abs(scale), size.finite and bool((size.bound * scale).isfinite().all()))
        if not size.finite:
            terms, scale = terms.to(wide) * scale, 1
            size = largest(terms, dim)
    levels = 2 if wide == torch.float64 else 1
    if on_kernels(self) or (levels == 2 and bool((size.bound >= 2.0**HIGHEST).any())):
        _join(self, binned(self.shape, dim, index, terms, size).neg_().add_(0.0), None)
        return
    prepared = Tensor.double if scale == 1 else lambda part: (part.to(wide) * scale).double()
    grid = Grid(size, terms.shape[dim], levels, prepared)
    if dim == 0 and index.dim() < self.dim() and 2 * len(terms) < len(self) and self.dtype == wide:
        # Few rows of a large table: a row's sum takes the place of its last term, and the others'
        # places get -0, which is added to no effect.
        total, _ = _summed(terms.shape, 0, writers.last(index, len(self)), terms, grid.along(0))
        _add(self, 0, index, total.to(wide).neg_())
    else:
        meet_(self, dim, index, terms, grid, _join)


def on_kernels(self: Tensor) -> bool:
    """Whether sums go through `exact.Bins`."""
    return not self.is_cpu or backend.triton_for(self)


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
    width = terms[0].numel() if dim == 0 else 0
    if not on_kernels(terms) and 1 < width <= 64 and terms.is_contiguous():
        # torch reduces narrow rows slowly; several of them are one wide row.
        together = 256 // width
        whole = len(terms) // together * together
        if whole:
            rows = terms[:whole].view(-1, together * width)
            wide = torch.maximum(rows.amax(0), rows.amin(0).neg_()).view(together, *terms.shape[1:])
            if bool(wide.isfinite().all()):
                terms = torch.cat((wide, terms[whole:]))
    return magnitude(terms.movedim(dim, -1), terms.dim() - 1)


def meet_(
    self: Tensor, dim: int, index: Tensor, terms: Tensor, grid: Grid, finish: Finish, signs: bool = False
) -> None:
    """Sum the terms of every element on a CPU, some lanes after the others, and let `finish` use the sums.

    Args:
        self: of at least one dimension.
        dim: not negative.
        index: int64 in range; (M,), or of the shape of `terms`.
        terms: but for `dim`, of self's shape.
        grid: of all lanes.
        finish: called with a part of self, what its terms add up to on the grid, negative, and their signs.
        signs: whether to count the negative terms too: less than 2**24 of a type up to float32.
    """
    if dim > 0:
        # Slices of the first dimension do not meet.
        step = max(1, PIECE * len(self) // max(self.numel(), terms.numel()))
        for at in range(0, len(self), step):
            part = slice(at, at + step)
            places = index if index.dim() < terms.dim() else index[part]
            own = self[part]
            finish(own, *_summed(own.shape, dim, places, terms[part], grid.along(dim, part), signs))
    elif index.dim() > 1 and self.numel() > PIECE:
        # Nor do columns, and a few columns' sums fit into the cache, which all of them do not.
        step = max(COLUMNS, PIECE * self.shape[1] // self.numel())
        for at in range(0, self.shape[1], step):
            part = slice(at, at + step)
            own = self[:, part].movedim(0, -1)
            places, values = index[:, part].movedim(0, -1).contiguous(), terms[:, part].movedim(0, -1)
            finish(own, *_summed(own.shape, own.dim() - 1, places, values, grid.along(-1, part), signs))
    else:
        sums, negative = _summed(self.shape, 0, index, terms, grid.along(0), signs)
        step = max(1, PIECE * len(self) // self.numel())
        for at in range(0, len(self), step):
            part = slice(at, at + step)
            finish(self[part], sums[part], None if negative is None else negative[part])


def _summed(
    shape: tuple[int, ...], dim: int, index: Tensor, terms: Tensor, grid: Grid, signs: bool = False
) -> tuple[Tensor, Tensor | None]:
    """The negative sums, from torch's own kernels, positive zeros where nothing is; and the signs."""
    total = torch.zeros(shape, dtype=torch.float64)
    rest = torch.zeros_like(total) if len(grid.rounders) > 1 else total
    negative = torch.zeros(shape, dtype=torch.float32) if signs else None
    count = terms.shape[dim]
    step = count if dim > 0 else max(1, PIECE * count // terms.numel())
    for at in range(0, count, step):
        length = min(step, count - at)
        places = index.narrow(dim if index.dim() == terms.dim() else 0, at, length)
        values = terms.narrow(dim, at, length)
        for part, into in zip(grid.parts(values), (total, rest), strict=False):
            _add(into, dim, places, part)
        if negative is not None:
            _add(negative, dim, places, minus_ones(values).float())
    if rest is not total:
        total += rest
    if not grid.finite:
        total.masked_fill_(total.isnan(), torch.nan)
    return total, negative


def minus_ones(values: Tensor) -> Tensor:
    """-1 for a sign bit that is set, otherwise 0; of values up to float32."""
    integer = torch.int32 if values.dtype == torch.float32 else torch.int16
    return values.view(integer).bitwise_right_shift(8 * values.element_size() - 1)


def _add(into: Tensor, dim: int, index: Tensor, terms: Tensor) -> None:
    with native():
        if index.dim() < terms.dim():
            into.index_add_(dim, index, terms)
        else:
            into.scatter_add_(dim, index, terms)


def _join(self: Tensor, negative: Tensor, signs: Tensor | None) -> None:
    """`self -= negative`, each rounded once.  Subtracting a positive zero changes nothing, not even -0."""
    wide = accumulated(self.dtype)
    negative = negative.to(wide)
    if self.dtype == wide:
        self.sub_(negative)
    else:
        self.copy_(self.to(wide).sub_(negative))


def _rounder(exponent: Tensor) -> Tensor:
    """1.5 * 2**52 * 2**exponent in float64; less where that is not normal, and nothing need be rounded."""
    bits = exponent.long().add_(52 + 1023).clamp_(min=0).bitwise_left_shift_(52).bitwise_or_(1 << 51)
    return bits.view(torch.float64)
