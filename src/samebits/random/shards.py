"""Which elements of a whole tensor a part of it has.

A shard's element has the number that it has in the whole, row by row, so a shard equals
that part of the whole, whoever draws it.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor

from samebits.errors import UsageError, UsageTypeError


@dataclass(frozen=True, slots=True)
class Part:
    """Which elements of a whole tensor to draw, as the kernels take it.

    A caller names them as (start, shape) or a DTensor (`output.Shard`); `part` checks that and makes this.

    Attributes:
        first: the first element's number.
        shape: how many there are in each dimension.
        strides: how far their numbers lie apart in each dimension.
    """

    first: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def is_run(self) -> bool:
        """Whether the numbers follow each other without a gap."""
        return self.strides == (1,)

    @property
    def count(self) -> int:
        return prod(self.shape)


def whole(count: int) -> Part:
    """All of a tensor of `count` elements."""
    return Part(0, (count,), (1,))


def parse(shard: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The (start, shape) that a caller gave as a shard, as integers.

    Raises:
        UsageTypeError (a TypeError): it is something else.
    """
    try:
        if isinstance(shard, Tensor):
            raise TypeError
        start, size = shard
        return tuple(map(operator.index, start)), tuple(map(operator.index, size))
    except (TypeError, ValueError):
        raise UsageTypeError(
            f"shard must be (start, shape), each a sequence of integers, or a DTensor; got {shard!r}"
        ) from None


def part(shape: Sequence[int], start: Sequence[int], size: Sequence[int]) -> Part:
    """The elements ``[start[d], start[d] + size[d])`` of a tensor of a shape.

    Neighbouring dimensions are one where they can be.

    Raises:
        ValueError: they do not lie within the shape.
    """
    fits = len(start) == len(size) == len(shape) and all(
        at >= 0 and n >= 0 and at + n <= extent for at, n, extent in zip(start, size, shape, strict=True)
    )
    if not fits:
        raise UsageError(
            f"shard=(start, shape) must lie within the whole's shape {tuple(shape)}: got "
            f"start={tuple(start)}, shape={tuple(size)}"
        )
    if prod(size) == 0:
        return whole(0)
    strides = [prod(shape[d + 1 :]) for d in range(len(shape))]
    first = sum(at * step for at, step in zip(start, strides, strict=True))
    merged: list[tuple[int, int]] = []  # of the last dimension first
    for n, step in zip(reversed(size), reversed(strides), strict=True):
        if n == 1:
            continue
        if merged and step == merged[-1][0] * merged[-1][1]:
            merged[-1] = merged[-1][0] * n, merged[-1][1]
        else:
            merged.append((n, step))
    if not merged or merged[0][1] != 1:
        merged.insert(0, (1, 1))  # the core's innermost dimension is a run
    return Part(first, tuple(n for n, _ in reversed(merged)), tuple(step for _, step in reversed(merged)))


def is_distributed(tensor: Any) -> bool:
    """Whether it is a DTensor; imports nothing that is not there."""
    return isinstance(tensor, Tensor) and hasattr(tensor, "device_mesh") and hasattr(tensor, "placements")


def of_distributed(tensor: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where this process's part of a DTensor begins, and its shape.

    Raises:
        ValueError: a placement is Partial: what each process holds is no part of the whole.
    """
    from torch.distributed.tensor import Partial
    from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

    if any(isinstance(placement, Partial) for placement in tensor.placements):
        raise UsageError(
            f"a DTensor with the placements {tuple(tensor.placements)} holds sums, not a part of the whole: "
            "redistribute it to Shard or Replicate first"
        )
    shape, start = compute_local_shape_and_global_offset(tensor.shape, tensor.device_mesh, tensor.placements)
    return tuple(start), tuple(shape)
