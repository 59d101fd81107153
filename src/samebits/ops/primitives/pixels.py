"""Exact sums at the pixels of images, of products of a gradient and weights that all channels share.

Terms are products in float64, which up to float32 are exact, on the grid of `exact.Bins`
with at most `sampling.BITS` bits; the kernel on CUDA has the same terms on the same grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from samebits.ops.primitives.exact import SUM_BITS, Bins, Magnitude, accumulated
from samebits.ops.primitives.sampling import Sampling

#: Bytes of a line of the cache, at which every piece of memory begins.
LINE = 64

#: Pixels at a time, where their number is taken away.
PIECE = 1 << 16


class Room:
    """Memory that parts use one after another: to get it fresh costs more than what is done in it.

    It is one piece, which an allocator keeps for the next call where it would give back many small ones.
    """

    def __init__(self) -> None:
        self.piece: Tensor | None = None
        self.used = 0
        self.held: dict[str, Tensor] = {}
        #: What was given, as making views costs too.
        self.given: dict[tuple[str, tuple[int, ...], torch.dtype], Tensor] = {}

    def reserve(self, size: int, like: Tensor) -> None:
        """Have so many bytes, on the device of `like`."""
        if self.piece is None:
            self.piece = like.new_empty(size + LINE * 8, dtype=torch.uint8)

    def __call__(self, name: str, shape: Sequence[int], like: Tensor, dtype: torch.dtype) -> Tensor:
        """Memory of whatever contents; what was there under this name is gone."""
        wanted = name, tuple(shape), dtype
        if wanted not in self.given:
            size = math.prod(shape) * dtype.itemsize
            if name not in self.held or len(self.held[name]) < size:
                if self.piece is not None and self.used + size <= len(self.piece):
                    self.held[name] = self.piece[self.used : self.used + size]
                    self.used += -(-size // LINE) * LINE
                else:
                    self.held[name] = like.new_empty(size, dtype=torch.uint8)
                self.given = {known: x for known, x in self.given.items() if known[0] != name}
            self.given[wanted] = self.held[name][:size].view(dtype).view(*shape)
        return self.given[wanted]


class Pixels:
    """Exact sums at the pixels of some channels, in plain torch.

    Where every term is finite, none is converted to an integer.  Added to 1.5 * 2**52 quanta a product is
    rounded to quanta, and the bits of the result, read as an integer, are those of the constant and as many
    more as there are quanta.  So bits are summed, and the constant's are subtracted as often as terms came.

    Args:
        channels: (N, C).
        sampling: how points become taps.
        size: of grad_output, the bound (N, C, 1).
        points: an image's.
        dtype: of the result.
        room: for the sums.
    """

    def __init__(
        self,
        channels: tuple[int, int],
        sampling: Sampling,
        size: Magnitude,
        points: int,
        dtype: torch.dtype,
        room: Room,
    ) -> None:
        self.sampling, self.room = sampling, room
        self.direct = bool(size.finite) and accumulated(dtype) == torch.float32
        count = sampling.terms(points)
        if self.direct:
            exponent = torch.frexp(size.bound).exponent.long() - (SUM_BITS - (count - 1).bit_length())
            self.quantum = (exponent + 1023).bitwise_left_shift_(52).view(torch.float64)
            self.constant = self.quantum * (1.5 * 2.0**52)
            shape = (*channels, sampling.length + 1)  # the last is nowhere
            self.total = room("sums", shape, size.bound, torch.int64).zero_()
            self.met = self.total.new_zeros((channels[0], 1, shape[-1]))
        else:
            self.bins = Bins((*channels, sampling.length), size, count, dtype)
            self.factors = [factor.double() for factor in self.bins.factors]

    def expect(self, index: Tensor) -> None:
        """Every channel is about to be added to at `index` (N, 1, K, P)."""
        if self.direct:
            places = index.flatten(2)
            self.met.scatter_add_(-1, places, places.new_ones(()).expand(places.shape))

    def add(self, lanes: slice, index: Tensor, g: Tensor, weight: Tensor | None) -> None:
        """Add to some channels' pixels.

        Args:
            lanes: which channels.
            index: (N, 1, K, P).
            g: (N, C of lanes, P).
            weight: (N, 1, K, P), float64; None: each is 1, and K too.
        """
        g = self.room("gradient", g.shape, g, torch.float64).copy_(g).unsqueeze(2)
        places = index.expand(-1, g.shape[1], -1, -1)
        if self.direct:
            constant = self.constant[:, lanes].unsqueeze(2)
            raised = self.room("terms", places.shape, g, torch.float64)
            if weight is None:
                torch.add(constant, g, out=raised)
            else:  # the product is exact, so that it does not matter whether it is rounded of its own
                torch.addcmul(constant, g, weight, out=raised)
            self.total[:, lanes].scatter_add_(-1, places.flatten(2), raised.view(torch.int64).flatten(2))
        else:
            scaled = _product([g, *(factor[:, lanes].unsqueeze(2) for factor in self.factors)])
            scaled = scaled if weight is None else scaled * weight
            self.bins.add_quanta((slice(None), lanes), places.flatten(2), scaled.flatten(2))

    def give(self, result: Tensor) -> None:
        """Write the sums into `result` (N, C, *size)."""
        if not self.direct:
            result.copy_(self.sampling.inner(self.bins.value()))
            return
        bits = self.constant.view(torch.int64)
        step = max(1, PIECE // self.met.numel())
        for first in range(0, self.total.shape[1], step):
            lanes = slice(first, first + step)
            self.total[:, lanes] -= self.met * bits[:, lanes]
        sums = result if result.dtype == torch.float32 else torch.empty_like(result, dtype=torch.float32)
        sums.copy_(self.sampling.inner(self.total))
        quantum = self.quantum.view(*sums.shape[:2], *(1,) * len(self.sampling.size))
        # What `Bins` does in two steps, where a float32 cannot hold the quantum.
        small = bool((quantum < 2.0**-126).any())
        sums.copy_(sums * quantum) if small else sums.mul_(quantum.float())
        if sums is not result:
            result.copy_(sums)


def _product(factors: Sequence[Tensor]) -> Tensor:
    """From the first to the last, every product rounded."""
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result
