"""The backward of adaptive pooling, average and max.

Output o of a dimension covers the inputs from floor(o * I / O) to ceil((o + 1) * I / O),
so neighbouring windows overlap unless O divides I, and their gradients meet.  What is
summed, and in which order, `windows` says; here are only the windows.

The backward of `adaptive_max_pool3d` is nondeterministic on CUDA without a warning:
it adds with atomics where O does not divide I, and neither raises nor reads the flag.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from samebits.model.operators import Operation, Recipe, Torch, Why
from samebits.ops.case import VOLUMES, Build, Maker, Shape, Task, backward
from samebits.ops.primitives.windows import (
    Answer,
    Spread,
    Windows,
    averaged,
    chosen,
    layout_of,
    matched,
    spread,
    strided,
)


@lru_cache(maxsize=256)
def adaptive(inputs: int, outputs: int) -> Windows:
    """The windows of one dimension: i is in those from floor(i * O / I) to ceil((i + 1) * O / I) - 1."""
    if inputs % outputs == 0:
        return strided(inputs, outputs, inputs // outputs, inputs // outputs, 0)
    return Windows(inputs, outputs, outputs, 0, outputs - 1, inputs)


def adaptive_max_pool2d_backward(grad_output: Tensor, self: Tensor, indices: Tensor) -> Answer:
    """`aten::adaptive_max_pool2d_backward`; channels_last as `self` is."""
    return _max(grad_output, self, indices, 2, layout_of(self))


def adaptive_max_pool3d_backward(grad_output: Tensor, self: Tensor, indices: Tensor) -> Answer:
    """`aten::adaptive_max_pool3d_backward`; the answer is contiguous."""
    return _max(grad_output, self, indices, 3, torch.contiguous_format)


def _max(grad: Tensor, self: Tensor, indices: Tensor, dims: int, layout: torch.memory_format) -> Answer:
    if not matched(grad, self, dims, indices):
        return NotImplemented
    lengths = zip(self.shape[-dims:], grad.shape[-dims:], strict=True)
    return chosen(grad, self, indices, tuple(adaptive(*one) for one in lengths), layout)


def _adaptive_avg_pool2d_backward(grad_output: Tensor, self: Tensor) -> Answer:
    """`aten::_adaptive_avg_pool2d_backward`; channels_last as `self` is."""
    return _average(grad_output, self, 2, layout_of(self))


def _adaptive_avg_pool3d_backward(grad_output: Tensor, self: Tensor) -> Answer:
    """`aten::_adaptive_avg_pool3d_backward`; the answer is contiguous."""
    return _average(grad_output, self, 3, torch.contiguous_format)


def _average(grad: Tensor, self: Tensor, dims: int, layout: torch.memory_format) -> Answer:
    if not matched(grad, self, dims):
        return NotImplemented
    spreads = [_spread(*one) for one in zip(self.shape[-dims:], grad.shape[-dims:], strict=True)]
    return averaged(grad, self, spreads, layout)


@lru_cache(maxsize=256)
def _spread(inputs: int, outputs: int) -> Spread:
    output = np.arange(outputs)
    start, end = output * inputs // outputs, -(-(output + 1) * inputs // outputs)
    return spread(start, end, end - start, adaptive(inputs, outputs))


REPLACES = (
    *(
        Operation(
            "adaptive_avg_pool",
            f"aten::_adaptive_avg_pool{n}d_backward",
            Why.ATOMICS,
            Torch.RAISES,
            Recipe.TAPS,
            run_by=("torch.nn.AdaptiveAvgPool1d",) if n == 2 else (),
        )
        for n in (2, 3)
    ),
    Operation.backward(
        "adaptive_max_pool",
        "adaptive_max_pool2d_backward",
        Torch.RAISES,
        Recipe.TAPS,
        run_by=("torch.nn.AdaptiveMaxPool1d",),
    ),
    # Its kernel adds with atomics and does not say so: PyTorch 2.13, AdaptiveMaxPooling3d.cu.
    Operation.backward("adaptive_max_pool", "adaptive_max_pool3d_backward", Torch.SILENT, Recipe.TAPS),
)


def _fewer(pool: Callable[..., Tensor]) -> Build:
    """An adaptive pool to a size that does not divide the input's: its windows overlap."""

    def build(make: Maker, shape: Shape) -> Task:
        size = [max(n * 2 // 5, 2) for n in shape[2:]]
        return Task(partial(pool, output_size=size), (make.distinct(*shape),))

    return build


CASES = (
    backward("adaptive_avg_pool 2d", "_adaptive_avg_pool2d", _fewer(F.adaptive_avg_pool2d)),
    backward("adaptive_avg_pool 3d", "_adaptive_avg_pool3d", _fewer(F.adaptive_avg_pool3d), VOLUMES),
    backward("adaptive_max_pool 2d", "adaptive_max_pool2d", _fewer(F.adaptive_max_pool2d)),
    backward("adaptive_max_pool 3d", "adaptive_max_pool3d", _fewer(F.adaptive_max_pool3d), VOLUMES),
)
