"""The geometry of convolutions: which numbers of a padded source each position covers.

A convolution, its derivative with respect to its input and that with respect to its weights are all
products over such windows.  Up to three dimensions; fewer are the last ones of three.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

Three = tuple[int, int, int]

_ONE: Final[Three] = (1, 1, 1)


def three(values: Sequence[int], fill: int, dimensions: int) -> Three:
    """The values of `dimensions` dimensions, one for all or one each, as the last ones of three."""
    given = tuple(values) if len(values) == dimensions else (values[0],) * dimensions
    a, b, c = (fill,) * (3 - dimensions) + given
    return a, b, c


@dataclass(frozen=True, slots=True)
class Window:
    """Windows over a source.

    Attributes:
        low: zeros before the source; less than zero leaves out what is before.
        step: from one position to the next.
        places: how many positions.
        taps: of each position, in the order of a chain: where they lie from its first place.
        starts, apart: of the positions among the results: those of a derivative are every so-manieth.
    """

    low: Three
    step: Three
    places: Three
    taps: tuple[Three, ...]
    starts: Three = (0, 0, 0)
    apart: Three = _ONE

    def padded(self) -> Three:
        """The sizes of the source with its zeros, as far as taps reach."""
        reach = [max((tap[d] for tap in self.taps), default=0) for d in range(3)]
        a, b, c = (max(0, (self.places[d] - 1) * self.step[d] + reach[d] + 1) for d in range(3))
        return a, b, c


@dataclass(frozen=True, slots=True)
class Convolution:
    """What a convolution is, beside its tensors; of a transposed one, that whose derivative it is.

    Attributes:
        size: of the input.
        kernel, stride, padding, dilation: in three dimensions.
    """

    size: Three
    kernel: Three
    stride: Three
    padding: Three
    dilation: Three

    def results(self) -> Three:
        """How many positions: the output's sizes."""
        a, b, c = (
            (self.size[d] + 2 * self.padding[d] - self.dilation[d] * (self.kernel[d] - 1) - 1)
            // self.stride[d]
            + 1
            for d in range(3)
        )
        return a, b, c

    def window(self) -> Window:
        """Of the input, for each output."""
        taps = tuple(
            (z * self.dilation[0], y * self.dilation[1], x * self.dilation[2])
            for z, y, x in itertools.product(*map(range, self.kernel))
        )
        return Window(self.padding, self.stride, self.results(), taps)

    def derivatives(self) -> Iterator[tuple[tuple[slice, slice, slice], Window]]:
        """Of the gradient of the output, for each number of the input: by its place modulo the stride.

        Each with the part of the kernel that its positions meet.  What the stride skips is not in a chain.
        """
        for start in itertools.product(
            *(range(min(s, n)) for s, n in zip(self.stride, self.size, strict=True))
        ):
            ways = [_met(self, d, start[d]) for d in range(3)]
            low = [max((-way.shift(k) for k in way.kernel), default=0) for way in ways]
            taps = tuple(
                (ways[0].shift(z) + low[0], ways[1].shift(y) + low[1], ways[2].shift(x) + low[2])
                for z, y, x in itertools.product(*(way.kernel for way in ways))
            )
            places = [-(-(self.size[d] - start[d]) // self.stride[d]) for d in range(3)]
            part = tuple(way.part() for way in ways)
            yield (
                (part[0], part[1], part[2]),
                Window(
                    (low[0], low[1], low[2]),
                    _ONE,
                    (places[0], places[1], places[2]),
                    taps,
                    (start[0], start[1], start[2]),
                    self.stride,
                ),
            )


@dataclass(frozen=True, slots=True)
class _Way:
    """One dimension of a derivative: the part of the kernel that meets the inputs of one remainder."""

    start: int
    stride: int
    padding: int
    dilation: int
    kernel: range

    def shift(self, k: int) -> int:
        """From an input's number, among its remainder's, to the output that tap k connects it with."""
        return (self.start + self.padding - k * self.dilation) // self.stride

    def part(self) -> slice:
        return slice(self.kernel.start, self.kernel.stop, self.kernel.step)


def _met(c: Convolution, d: int, start: int) -> _Way:
    """The taps k for which start + padding - k * dilation is a multiple of the stride."""
    stride, dilation, size = c.stride[d], c.dilation[d], c.kernel[d]
    every = stride // math.gcd(stride, dilation)
    offset = start + c.padding[d]
    first = next((k for k in range(min(every, size)) if (offset - k * dilation) % stride == 0), size)
    return _Way(start, stride, c.padding[d], dilation, range(first, size, every))
