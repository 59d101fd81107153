"""Average pools, and the derivatives of all pools.

An average is the sum of its window, along the last dimension first, each sum from its first number to its
last, divided by the window's size.  Its derivative divides first, and sums over the windows in the same way,
as `samebits.ops` has it.  A maximum is exact; its derivative adds, for every input, the gradients of the
outputs that chose it, from the first output to the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from samebits.arithmetic.rows import Defined
from samebits.arithmetic.sums import COMPUTED
from samebits.arithmetic.taps import Pass, in_turn
from samebits.ops import adaptive_pool, pool
from samebits.ops.primitives.taps import Integers, Taps, of, transposed
from samebits.ops.primitives.windows import chosen, layout_of, matched, strided

#: A tensor, or NotImplemented.
Result = Any


class _Windows(NamedTuple):
    """One dimension of an average pool: the maps from inputs to windows and back, and the windows' sizes."""

    forward: Taps
    backward: Taps
    sizes: tuple[int, ...]


def _windows(start: Integers, end: Integers, sizes: Integers, inputs: int) -> _Windows:
    place = start[:, None] + np.arange(max(int((end - start).max()), 1))
    index = np.where(place < end[:, None], place, -1)
    return _Windows(of(index, source=inputs), transposed(index, source=inputs), tuple(sizes.tolist()))


@lru_cache(maxsize=256)
def _strided(inputs: int, kernel: int, stride: int, padding: int, ceil_mode: bool, counted: bool) -> _Windows:
    """Windows of `kernel` inputs, one every `stride`; `counted`: the padding in them is counted."""
    room = inputs + 2 * padding - kernel
    outputs = room // stride + 1
    if ceil_mode:
        outputs = -(-room // stride) + 1
        outputs -= (outputs - 1) * stride >= inputs + padding
    start = np.arange(outputs) * stride - padding
    end = np.minimum(start + kernel, inputs + padding)
    size = end - start
    start, end = start.clip(0), end.clip(0, inputs)
    return _windows(start, end, size if counted else end - start, inputs)


@lru_cache(maxsize=256)
def _adaptive(inputs: int, outputs: int) -> _Windows:
    output = np.arange(outputs)
    start, end = output * inputs // outputs, -(-(output + 1) * inputs // outputs)
    return _windows(start, end, end - start, inputs)


@lru_cache(maxsize=256)
def _divisor(sizes: tuple[tuple[int, ...], ...], dtype: torch.dtype, device: torch.device) -> Tensor | float:
    if all(len(set(one)) == 1 for one in sizes):
        return float(prod(one[0] for one in sizes))
    divisor = torch.ones((), dtype=dtype)
    for one in sizes:
        divisor = divisor.unsqueeze(-1) * torch.tensor(one, dtype=dtype)
    return divisor.to(device)


def _averages(self: Tensor, windows: list[_Windows], override: int | None) -> Tensor:
    """Of (N, C, ...) or (C, ...)."""
    dims = len(windows)
    first = self.dim() - dims
    passes: list[Pass] = [(first + n, windows[n].forward) for n in reversed(range(dims))]
    return in_turn(self, passes, after=_by(windows, override, self))


def _average_slopes(grad: Tensor, self: Tensor, windows: list[_Windows], override: int | None) -> Tensor:
    dims = len(windows)
    first = self.dim() - dims
    passes: list[Pass] = [(first + n, windows[n].backward) for n in reversed(range(dims))]
    layout = layout_of(self) if dims == 2 else torch.contiguous_format
    grad = grad.contiguous(memory_format=layout)
    return in_turn(grad, passes, before=_by(windows, override, grad)).contiguous(memory_format=layout)


def _by(windows: list[_Windows], override: int | None, x: Tensor) -> Tensor | float:
    if override is not None:
        return float(override)
    return _divisor(tuple(one.sizes for one in windows), COMPUTED[x.dtype], x.device)


def _each(values: Sequence[int], dims: int, default: Sequence[int] = ()) -> list[int] | None:
    """One number a dimension, of an argument that may give one for all or none for the default."""
    values = values if len(values) else default
    if len(values) not in (1, dims):
        return None
    return list(values) if len(values) == dims else list(values) * dims


def _of_arguments(
    dims: int,
    self: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> list[_Windows] | None:
    """The windows; None: torch says what is wrong, or there is nothing."""
    arguments = (_each(kernel_size, dims), _each(stride, dims, kernel_size), _each(padding, dims))
    if self.dim() not in (dims + 1, dims + 2) or self.dtype not in COMPUTED or None in arguments:
        return None
    if divisor_override == 0 or self.numel() == 0:
        return None
    each = list(zip(self.shape[-dims:], *(one for one in arguments if one), strict=True))
    if any(k < 1 or s < 1 or not 0 <= p <= k // 2 or n + 2 * p < k for n, k, s, p in each):
        return None
    return [_strided(n, k, s, p, ceil_mode, count_include_pad) for n, k, s, p in each]


def _pooled(dims: int, self: Tensor, *args: Any, **named: Any) -> Result:
    windows = _of_arguments(dims, self, *args, **named)
    override = named.get("divisor_override", args[5] if len(args) > 5 else None)
    return NotImplemented if windows is None else _averages(self, windows, override)


def _pooled_back(dims: int, grad_output: Tensor, self: Tensor, *args: Any, **named: Any) -> Result:
    windows = _of_arguments(dims, self, *args, **named)
    if windows is None or not matched(grad_output, self, dims):
        return NotImplemented
    if [len(one.sizes) for one in windows] != list(grad_output.shape[-dims:]):
        return NotImplemented
    override = named.get("divisor_override", args[5] if len(args) > 5 else None)
    return _average_slopes(grad_output, self, windows, override)


def avg_pool2d(self: Tensor, *args: Any, **named: Any) -> Result:
    """Averages of the windows of (N, C, H, W) or (C, H, W)."""
    return _pooled(2, self, *args, **named)


def avg_pool3d(self: Tensor, *args: Any, **named: Any) -> Result:
    """Averages of the windows of (N, C, D, H, W) or (C, D, H, W)."""
    return _pooled(3, self, *args, **named)


def avg_pool2d_backward(grad_output: Tensor, self: Tensor, *args: Any, **named: Any) -> Result:
    """For each input the sum over its windows of their gradient divided by their size."""
    return _pooled_back(2, grad_output, self, *args, **named)


def avg_pool3d_backward(grad_output: Tensor, self: Tensor, *args: Any, **named: Any) -> Result:
    """As `avg_pool2d_backward`."""
    return _pooled_back(3, grad_output, self, *args, **named)


def _adaptive_windows(self: Tensor, outputs: Sequence[int], dims: int) -> list[_Windows] | None:
    if self.dim() not in (dims + 1, dims + 2) or self.dtype not in COMPUTED or self.numel() == 0:
        return None
    if len(outputs) != dims or min(outputs) < 1:
        return None
    return [_adaptive(n, m) for n, m in zip(self.shape[-dims:], outputs, strict=True)]


def _adaptive_avg_pool(self: Tensor, output_size: Sequence[int]) -> Result:
    windows = _adaptive_windows(self, output_size, len(output_size))
    return NotImplemented if windows is None else _averages(self, windows, None)


def _adaptive_avg_pool2d_backward(grad_output: Tensor, self: Tensor) -> Result:
    """As `avg_pool2d_backward`."""
    return _adaptive_back(grad_output, self, 2)


def _adaptive_avg_pool3d_backward(grad_output: Tensor, self: Tensor) -> Result:
    """As `avg_pool2d_backward`."""
    return _adaptive_back(grad_output, self, 3)


def _adaptive_back(grad_output: Tensor, self: Tensor, dims: int) -> Result:
    windows = _adaptive_windows(self, grad_output.shape[-dims:], dims)
    if windows is None or not matched(grad_output, self, dims):
        return NotImplemented
    return _average_slopes(grad_output, self, windows, None)


def max_pool2d_with_indices_backward(
    grad_output: Tensor,
    self: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
    indices: Tensor,
) -> Result:
    """For each input the sum of the gradients of the outputs that chose it, in their order."""
    if self.is_cpu and self.dtype in (torch.float32, torch.float64):
        return NotImplemented  # torch's own adds in this order
    arguments = (_each(kernel_size, 2), _each(stride, 2, kernel_size), _each(padding, 2), _each(dilation, 2))
    if not matched(grad_output, self, 2, indices) or None in arguments:
        return NotImplemented
    each = zip(self.shape[-2:], grad_output.shape[-2:], *(one for one in arguments if one), strict=True)
    windows = tuple(strided(n, o, (k - 1) * d + 1, s, p) for n, o, k, s, p, d in each)
    return chosen(grad_output, self, indices, windows, layout_of(self))


_SUM = "S' of windows / size"
_CHOSEN = "the sum of the outputs that chose it, in their order"

ROWS: Final = (
    *(
        row
        for name, forward, backward in (
            ("avg_pool2d", avg_pool2d, avg_pool2d_backward),
            ("avg_pool3d", avg_pool3d, avg_pool3d_backward),
        )
        for row in (
            Defined(f"aten::{name}", forward, _SUM, (f"aten::{name}.out",)),
            Defined(f"aten::{name}_backward", backward, _SUM, (f"aten::{name}_backward.grad_input",)),
        )
    ),
    Defined("aten::_adaptive_avg_pool2d", _adaptive_avg_pool, _SUM),
    Defined("aten::_adaptive_avg_pool2d_backward", _adaptive_avg_pool2d_backward, _SUM),
    Defined("aten::_adaptive_avg_pool3d", _adaptive_avg_pool, _SUM),
    Defined("aten::_adaptive_avg_pool3d_backward", _adaptive_avg_pool3d_backward, _SUM),
    Defined(
        "aten::max_pool2d_with_indices_backward",
        max_pool2d_with_indices_backward,
        _CHOSEN,
        ("aten::max_pool2d_with_indices_backward.grad_input",),
    ),
    *(
        Defined(f"aten::{name}", function, _CHOSEN, (f"aten::{name}.grad_input",))
        for name, function in (
            ("max_pool3d_with_indices_backward", pool.max_pool3d_with_indices_backward),
            ("fractional_max_pool2d_backward", pool.fractional_max_pool2d_backward),
            ("fractional_max_pool3d_backward", pool.fractional_max_pool3d_backward),
            ("adaptive_max_pool2d_backward", adaptive_pool.adaptive_max_pool2d_backward),
            ("adaptive_max_pool3d_backward", adaptive_pool.adaptive_max_pool3d_backward),
        )
    ),
)
