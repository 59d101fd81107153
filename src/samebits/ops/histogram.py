"""Histograms: `bincount` with weights and `histc` of floats.

Weights are summed in an order-free way (`sums`); without weights PyTorch counts in
integers, which have no order.  `histc` counts in its input's type, where 2**24 + 1
is 2**24 in float32; here it counts in integers and the counts are rounded once.

An element's bin is PyTorch's own, each step rounded to the input's type:

    bin = floor((x - min) * bins / (max - min)),  the last for x = max

Work goes through in blocks that stay in the cache, so that intermediate results
cost no memory.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.model.operators import Operation, Recipe, Torch, Why
from samebits.ops.case import VECTORS, Maker, Shape, Task, forward, on_one
from samebits.ops.primitives import sums

#: Elements that are handled together: on a CPU their intermediate results stay in the cache.
BLOCK = {"cpu": 1 << 17}
#: On other devices, where each step is a launch.
LARGE_BLOCK = 1 << 25

Number = int | float | bool
#: A tensor, or NotImplemented.
Result = Any


def bincount(self: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Result:
    """How much each number weighs in all.

    Args:
        self: (M,), integers, none negative.
        weights: (M,), of any type but complex.
        minlength: the least length of the result.

    Returns:
        (max(self) + 1,) or longer; float32 for float32 weights, else float64.
    """
    if weights is None or self.dim() != 1 or minlength < 0 or weights.is_complex():
        return NotImplemented
    if self.is_floating_point() or self.is_complex() or self.dtype == torch.bool:
        return NotImplemented
    if self.numel() == 0:
        return self.new_zeros(minlength, dtype=torch.int64)
    if weights.shape != self.shape or weights.device != self.device:
        return NotImplemented
    least, most = (int(bound) for bound in torch.stack(torch.aminmax(self)).tolist())
    if least < 0:
        return NotImplemented
    if weights.dtype not in (torch.float32, torch.float64):
        weights = weights.double()
    result = weights.new_zeros(max(most + 1, minlength))
    sums.add_(result, 0, self.long(), weights)
    return result


def histc(self: Tensor, bins: int = 100, min: Number = 0, max: Number = 0) -> Result:
    """How many elements lie in each of `bins` equal parts of [min, max].

    Args:
        self: float32 or float64, any shape; elements outside the range and NaN are not counted.
        bins: how many.
        min: the range's lower end.
        max: the upper end; where it is `min`, the range is that of `self`.

    Returns:
        (bins,), of `self`'s type.
    """
    if self.dtype not in (torch.float32, torch.float64) or bins < 1:
        return NotImplemented
    low, high = float(min), float(max)
    if low == high and self.numel():
        low, high = torch.stack(torch.aminmax(self)).tolist()
    if low == high:
        low, high = low - 1, high + 1
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        return NotImplemented
    # The ends and their distance as the input's type has them.
    ends = torch.tensor([low, high], dtype=self.dtype)
    low, high, width = *ends.tolist(), float(ends[1] - ends[0])
    values = self.reshape(-1)
    if triton_launch.triton_for(self) and values.numel():
        from samebits.ops._triton import histogram as kernels

        return kernels.histc(values, bins, low, high, width).to(self.dtype)
    counts = self.new_zeros(bins, dtype=torch.int64)
    step = BLOCK.get(self.device.type, LARGE_BLOCK)
    step = step if step > 4 * bins else 4 * bins
    for first in range(0, values.numel(), step):
        part = values[first : first + step]
        place = part.sub(low).mul_(bins).div_(width).clamp_(max=bins - 1)
        # Index `bins` is nowhere; the comparison is false for NaN.
        place = torch.where((part >= low) & (part <= high), place, bins).long()
        counts += torch.bincount(place, minlength=bins + 1)[:bins]
    return counts.to(self.dtype)


REPLACES = (
    Operation("bincount", "aten::bincount", Why.ATOMICS, Torch.RAISES, Recipe.EXACT),
    Operation("histc", "aten::histc", Why.ATOMICS, Torch.RAISES, Recipe.EXACT, variants=("aten::histc.out",)),
)


def _bincount(make: Maker, shape: Shape) -> Task:
    (count,) = shape
    index = make.index(max(count // 100, 3), *shape)
    return Task(lambda weights: torch.bincount(index, weights), (make.normal(count),))


CASES = (
    forward("bincount", ["bincount"], _bincount, 0, shapes=VECTORS),
    forward("histc", ["histc"], on_one(partial(torch.histc, bins=64)), 0, shapes=VECTORS),
    forward(
        "histc, in a range",
        ["histc"],
        on_one(partial(torch.histc, bins=37, min=-1, max=1)),
        0,
        shapes=VECTORS,
    ),
)
