"""The backward of max_pool3d, fractional max pooling and avg_pool3d: which windows they have.

What is summed over the windows, and in which order, `windows` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from samebits.model.operators import Operation, Recipe, Torch
from samebits.ops.case import VOLUMES, Build, Maker, Shape, Task, backward, on_one
from samebits.ops.primitives.taps import Integers
from samebits.ops.primitives.windows import (
    Answer,
    Spread,
    averaged,
    chosen,
    fractional,
    layout_of,
    matched,
    spread,
    strided,
)


def _three(values: Sequence[int], default: Sequence[int] = ()) -> tuple[int, ...] | None:
    """One number a dimension, of an argument that may give one for all or none for the default."""
    values = values if len(values) else default
    if len(values) not in (1, 3):
        return None
    return tuple(values) if len(values) == 3 else tuple(values) * 3


def max_pool3d_with_indices_backward(
    grad_output: Tensor,
    self: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
    indices: Tensor,
) -> Answer:
    """`aten::max_pool3d_with_indices_backward`; an output whose index is -1 chose nothing."""
    arguments = (_three(kernel_size), _three(stride, kernel_size), _three(padding), _three(dilation))
    if not matched(grad_output, self, 3, indices) or None in arguments:
        return NotImplemented
    each = list(zip(*(one for one in arguments if one), strict=True))
    if any(k < 1 or s < 1 or not 0 <= p <= k // 2 or d < 1 for k, s, p, d in each):
        return NotImplemented
    windows = tuple(
        strided(n, o, (k - 1) * d + 1, s, p)
        for n, o, (k, s, p, d) in zip(self.shape[-3:], grad_output.shape[-3:], each, strict=True)
    )
    try:
        return chosen(grad_output, self, indices, windows, layout_of(self))
    except RuntimeError:
        if not bool((indices == -1).any()):
            raise
    there = indices != -1
    grad_output, indices = torch.where(there, grad_output, 0), torch.where(there, indices, 0)
    return chosen(grad_output, self, indices, windows, layout_of(self))


def fractional_max_pool2d_backward(
    grad_output: Tensor,
    self: Tensor,
    kernel_size: Sequence[int],
    output_size: Sequence[int],
    indices: Tensor,
) -> Answer:
    """`aten::fractional_max_pool2d_backward`; the answer is contiguous."""
    return _fractional(grad_output, self, kernel_size, output_size, indices, 2)


def fractional_max_pool3d_backward(
    grad_output: Tensor,
    self: Tensor,
    kernel_size: Sequence[int],
    output_size: Sequence[int],
    indices: Tensor,
) -> Answer:
    """`aten::fractional_max_pool3d_backward`; the answer is contiguous."""
    return _fractional(grad_output, self, kernel_size, output_size, indices, 3)


def _fractional(
    grad: Tensor, self: Tensor, kernel: Sequence[int], outputs: Sequence[int], indices: Tensor, dims: int
) -> Answer:
    inputs = self.shape[-dims:]
    if (
        not matched(grad, self, dims, indices)
        or len(kernel) != dims
        or tuple(outputs) != tuple(grad.shape[-dims:])
        or any(k < 1 or o + k - 1 > n for n, o, k in zip(inputs, outputs, kernel, strict=True))
    ):
        return NotImplemented
    windows = tuple(fractional(*one) for one in zip(inputs, outputs, kernel, strict=True))
    return chosen(grad, self, indices, windows, torch.contiguous_format)


def avg_pool3d_backward(
    grad_output: Tensor,
    self: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Answer:
    """`aten::avg_pool3d_backward`; the answer is contiguous."""
    arguments = (_three(kernel_size), _three(stride, kernel_size), _three(padding))
    if not matched(grad_output, self, 3) or None in arguments or divisor_override == 0:
        return NotImplemented
    each = list(zip(self.shape[-3:], *(one for one in arguments if one), strict=True))
    if any(not 0 < k <= n or s < 1 or not 0 <= p <= k // 2 for n, k, s, p in each):
        return NotImplemented
    if tuple(_pooled(n, k, s, p, ceil_mode) for n, k, s, p in each) != tuple(grad_output.shape[-3:]):
        return NotImplemented
    spreads = [_spread(n, k, s, p, ceil_mode, count_include_pad) for n, k, s, p in each]
    if divisor_override is not None:
        divisors = ((divisor_override,), (1,), (1,))
        spreads = [replace(one, sizes=sizes) for one, sizes in zip(spreads, divisors, strict=True)]
    return averaged(grad_output, self, spreads, torch.contiguous_format)


def _pooled(inputs: int, kernel: int, stride: int, padding: int, ceil_mode: bool) -> int:
    """How many windows a dimension has; with `ceil_mode` the last may end outside, but none starts there."""
    room = inputs + 2 * padding - kernel
    if not ceil_mode:
        return room // stride + 1
    outputs = -(-room // stride) + 1
    return outputs - 1 if (outputs - 1) * stride >= inputs + padding else outputs


@lru_cache(maxsize=256)
def _spread(inputs: int, kernel: int, stride: int, padding: int, ceil_mode: bool, include: bool) -> Spread:
    """One dimension of avg_pool3d; `include`: a window's size counts the padding it covers."""
    start: Integers = np.arange(_pooled(inputs, kernel, stride, padding, ceil_mode)) * stride - padding
    end = np.minimum(start + kernel, inputs + padding)
    size = end - start
    start, end = start.clip(0), end.clip(0, inputs)
    windows = strided(inputs, len(start), kernel, stride, padding)
    return spread(start, end, size if include else end - start, windows)


REPLACES = (
    Operation.backward(
        "avg_pool3d",
        "avg_pool3d_backward",
        Torch.RAISES,
        Recipe.TAPS,
        run_by=("torch.nn.LPPool3d", "torch.nn.LocalResponseNorm"),
    ),
    Operation.backward("max_pool3d", "max_pool3d_with_indices_backward", Torch.RAISES, Recipe.TAPS),
    Operation.backward("fractional_max_pool", "fractional_max_pool2d_backward", Torch.RAISES, Recipe.TAPS),
    Operation.backward("fractional_max_pool", "fractional_max_pool3d_backward", Torch.RAISES, Recipe.TAPS),
)


def _halved(pool: Callable[..., Tensor]) -> Build:
    """A fractional pool to half the size."""

    def build(make: Maker, shape: Shape) -> Task:
        dimensions = len(shape) - 2
        samples = make.uniform(0, 1, *shape[:2], dimensions)
        size = [max(n // 2, 1) for n in shape[2:]]
        return Task(
            partial(pool, kernel_size=2, output_size=size, _random_samples=samples), (make.distinct(*shape),)
        )

    return build


CASES = (
    backward(
        "avg_pool3d, windows overlap",
        "avg_pool3d",
        on_one(partial(F.avg_pool3d, kernel_size=3, stride=2, padding=1)),
        VOLUMES,
    ),
    backward(
        "avg_pool3d, edges not counted",
        "avg_pool3d",
        on_one(partial(F.avg_pool3d, kernel_size=2, padding=1, ceil_mode=True, count_include_pad=False)),
        VOLUMES,
    ),
    backward(
        "max_pool3d, windows overlap",
        "max_pool3d_with_indices",
        on_one(partial(F.max_pool3d, kernel_size=3, stride=2, padding=1), "distinct"),
        VOLUMES,
    ),
    backward("fractional_max_pool 2d", "fractional_max_pool2d", _halved(F.fractional_max_pool2d)),
    backward("fractional_max_pool 3d", "fractional_max_pool3d", _halved(F.fractional_max_pool3d), VOLUMES),
)
