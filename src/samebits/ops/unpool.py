"""Max unpooling: every value goes where its maximum was; where several were, the last one stays.

torch leaves open which stays, and refuses under its deterministic switch even on a
CPU, where one thread takes them in order.  Ours is that order on every device.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from samebits.model.operators import Operation, Recipe, Torch, Why
from samebits.ops.case import LINES, PLANES, VOLUMES, Build, Case, Maker, Shape, Task
from samebits.ops.primitives import last_write
from samebits.ops.primitives.native import wanted


def max_unpool2d(self: Tensor, indices: Tensor, output_size: Sequence[int]) -> Any:
    """(N, C, H, W) or (C, H, W) into planes of `output_size`, zeros elsewhere.

    Args:
        self: floating point.
        indices: int64, of self's shape; positions in the flattened output plane.
        output_size: height and width.

    Raises:
        RuntimeError: an index lies outside the output.
    """
    return _unpooled(self, indices, output_size, (3, 4))


def max_unpool3d(
    self: Tensor, indices: Tensor, output_size: Sequence[int], stride: Sequence[int], padding: Sequence[int]
) -> Any:
    """(N, C, D, H, W) or (C, D, H, W) into volumes of `output_size`, zeros elsewhere.

    Args:
        self: floating point.
        indices: int64, of self's shape; positions in the flattened output volume.
        output_size: depth, height and width.
        stride: of the pool that this undoes; checked, and of no effect.
        padding: likewise.

    Raises:
        RuntimeError: an index lies outside the output.
    """
    if len(stride) != 3 or len(padding) != 3 or min(stride) <= 0:
        return NotImplemented
    return _unpooled(self, indices, output_size, (4, 5))


def _unpooled(self: Tensor, indices: Tensor, output_size: Sequence[int], ranks: tuple[int, int]) -> Any:
    spatial = ranks[0] - 1
    if wanted() or self.dim() not in ranks or self.shape != indices.shape or len(output_size) != spatial:
        return NotImplemented
    if indices.dtype != torch.int64 or 0 in self.shape[-spatial - 1 :]:
        return NotImplemented
    if self.is_cpu and not self.is_floating_point():
        return NotImplemented
    if self.device != indices.device or any(size <= 0 for size in output_size):
        return NotImplemented
    bins = math.prod(output_size)
    lanes = self.shape[:-spatial]
    planes = self.new_zeros((*lanes, bins))
    if self.numel():
        _check(indices, output_size, bins)
        last_write.write_(
            planes.flatten(0, -2),
            1,
            indices.reshape(-1, _area(self, spatial)),
            self.reshape(-1, _area(self, spatial)),
        )
    output = planes.view(*lanes, *output_size)
    if (
        self.dim() == 4
        and spatial == 2
        and self.is_contiguous(memory_format=torch.channels_last)
        and not self.is_contiguous()
    ):
        output = output.contiguous(memory_format=torch.channels_last)
    return output


def _area(tensor: Tensor, spatial: int) -> int:
    return math.prod(tensor.shape[-spatial:])


def _check(indices: Tensor, output_size: Sequence[int], bins: int) -> None:
    if indices.is_cuda:
        # The host does not wait for the answer: a wrong index stops the device.
        torch._assert_async(((indices >= 0) & (indices < bins)).all())
        return
    low, high = (int(extreme) for extreme in indices.aminmax())
    if low < 0 or high >= bins:
        sizes = "x".join(str(size) for size in output_size)
        wrong = low if low < 0 else high
        raise RuntimeError(f"Found an invalid max index: {wrong} (output volumes are of size {sizes})")


REPLACES = tuple(
    Operation(
        "max_unpool",
        f"aten::{name}",
        Why.RACE,
        Torch.RAISES,
        Recipe.LAST,
        variants=(f"aten::{name}.out",),
        devices=("cpu", "cuda"),
        run_by=("torch.nn.MaxUnpool1d",) if name == "max_unpool2d" else (),
    )
    for name in ("max_unpool2d", "max_unpool3d")
)


def _unpool(unpool: Callable[..., Tensor], alike: bool) -> Build:
    """Into twice the size; `alike` indices are written to several times, and the last one stays."""

    def build(make: Maker, shape: Shape) -> Task:
        space = shape[2:]
        size = [2 * n for n in space]
        planes, cells, bins = math.prod(shape[:2]), math.prod(space), math.prod(size)
        if alike:
            index = make.index(bins, *shape)
        else:
            index = make.different(bins, cells, planes).t().reshape(shape).contiguous()
        call = partial(unpool, kernel_size=2, output_size=size)
        return Task(lambda x: call(x, index), (make.normal(*shape),))

    return build


CASES = tuple(
    Case(
        f"max_unpool {n}d" + (", indices alike" if alike else ""),
        (f"aten::max_unpool{max(n, 2)}d",),
        _unpool(call, alike),
        shapes,
        backward=False,
        derivatives=0 if alike else 2,
    )
    for n, call, shapes in (
        (1, F.max_unpool1d, LINES),
        (2, F.max_unpool2d, PLANES),
        (3, F.max_unpool3d, VOLUMES),
    )
    for alike in (False, True)
)
