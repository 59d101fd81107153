"""A sparse linear map along one dimension, as data: which elements each output reads, and how much of each.

A separable operation (resampling, average pooling, padding) reads a few elements
for every output.  Its backward, written over the same loop, adds into the elements
it read, and on a GPU the hardware chooses the order of those additions.  Here the
map is transposed once, on the host, so that the backward too is a gather (`gather.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Taps:
    """Which elements of the source each output reads, and how much of each.

    Made by `transposed` (of a forward map) or `of` (as it is); compared by identity, so that
    whoever makes one caches it by its parameters.

    Attributes:
        index: int64, (rows, K); the first `count[i]` of row i are its taps, in the source's order.
        count: int64, (rows,), from 0 to K; a row without taps gives 0.
        weight: float64, (rows, K), rounded to the accumulation type when used; None: each is 1.
        divisor: a whole number below 2**24 that the sum is divided by.
        source: length of the dimension that is read.
    """

    index: Integers
    count: Integers
    weight: Floats | None
    divisor: int
    source: int
    #: index, count, weight on a device, by (device, dtype).
    _placed: dict[tuple[torch.device, torch.dtype], tuple[Tensor, Tensor, Tensor | None]] = field(
        default_factory=dict, repr=False
    )

    @property
    def rows(self) -> int:
        """Length of the dimension that is made."""
        return len(self.count)

    @cached_property
    def complete(self) -> bool:
        """Whether every output has a tap."""
        return bool((self.count > 0).all())

    @cached_property
    def identity(self) -> bool:
        """Whether the map gives back what it reads."""
        return (
            self.rows == self.source
            and self.divisor == 1
            and bool((self.count == 1).all())
            and bool((self.index[:, 0] == np.arange(self.rows)).all())
            and (self.weight is None or bool((self.weight[:, 0] == 1).all()))
        )

    def on(self, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor | None]:
        """Index and count as int64 and the weights in `dtype`, on `device`; copied there once."""
        key = (device, dtype)
        if key not in self._placed:
            # Converted on the host: a conversion on the device would be some stream's.
            weight = None if self.weight is None else torch.from_numpy(self.weight).to(dtype).to(device)
            index, count = (torch.from_numpy(part).to(device) for part in (self.index, self.count))
            self._placed[key] = (index, count, weight)
        return self._placed[key]


def of(index: npt.ArrayLike, weight: npt.ArrayLike | None = None, *, source: int, divisor: int = 1) -> Taps:
    """The map whose output i reads `index[i, :]` with `weight[i, :]`.

    Args:
        index: (rows, K), integers below `source`; negative: no tap.
        weight: (rows, K), floats; None: every tap counts 1.  Taps of weight 0 are left out, and taps
            of one output on one element are joined.
        source: length of the dimension that is read.
        divisor: a whole number below 2**24 that every sum is divided by.
    """
    index = np.asarray(index, dtype=np.int64)
    return _made(np.indices(index.shape)[0], index, weight, len(index), source, divisor)


def transposed(
    index: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    source: int,
    divisor: int = 1,
) -> Taps:
    """The transpose of `of`: it reads outputs and gives the `source` elements they came from.

    The arguments are those of `of`, of the forward map: the backward of a forward that computes
    `y[i] = sum_k weight[i, k] * x[index[i, k]]` is
    `gather(grad_y, dim, transposed(index, weight, source=n))`, n being the length of x.
    """
    index = np.asarray(index, dtype=np.int64)
    return _made(index, np.indices(index.shape)[0], weight, source, len(index), divisor)


def _made(
    row: Integers, element: Integers, weight: npt.ArrayLike | None, rows: int, source: int, divisor: int
) -> Taps:
    there = (row >= 0) & (element >= 0)
    values = None if weight is None else np.broadcast_to(np.asarray(weight, np.float64), row.shape)
    if values is not None:
        there &= values != 0
    row, element = row[there], element[there]
    if values is not None:
        place, which = np.unique(row * source + element, return_inverse=True)
        values = np.bincount(which, values[there], len(place)).astype(np.float64)
    else:  # two taps of weight 1 on one element stay two: their sum has no weight 1
        place = np.sort(row * source + element)
    row, element = np.divmod(place, max(source, 1))
    count = np.bincount(row, minlength=rows).astype(np.int64)
    width = max(int(count.max(initial=0)), 1)
    column = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    index = np.zeros((rows, width), np.int64)
    index[row, column] = element
    table = None
    if values is not None:
        table = np.zeros((rows, width), np.float64)
        table[row, column] = values
    return Taps(index, count, table, divisor, source)
