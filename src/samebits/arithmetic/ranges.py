"""Evenly spaced numbers: computed in float64, each with one rounding, and rounded to the type.

Half types are rounded by way of float32, as float64 is converted on every device.
"""

from __future__ import annotations

from math import ceil, isfinite
from typing import Any, Final

import torch
from torch import Tensor

from samebits.arithmetic.elementwise import Loop, Scalar, written
from samebits.arithmetic.rows import Defined

_ADD, _POWER = Loop("add"), Loop("scalar_pow")


def _on(device: torch.device, *values: Scalar) -> bool:
    return device.type == "cpu" and not any(isinstance(value, complex) for value in values)


def _stepped(first: Tensor, index: Tensor, step: float) -> Tensor:
    """fma(step, index, first)"""
    result: Tensor = _ADD((first, index.double()), (step,))
    return result


def _spaced(start: float, end: float, steps: int) -> Tensor:
    """The first half from the start on, the second from the end back, so that both are exact."""
    step = (end - start) / (steps - 1) if steps > 1 else 0.0
    half = steps // 2 if steps > 1 else steps
    first = torch.full((steps,), end, dtype=torch.float64)
    first[:half] = start
    index = torch.arange(steps)
    index[half:] -= steps - 1
    return _stepped(first, index, step)


def linspace(start: Scalar, end: Scalar, steps: int, *, out: Tensor) -> Any:
    """fma(step, i, start) for i < steps // 2, fma(-step, steps - 1 - i, end) for the others; of floats.

    `step` is (end - start) / (steps - 1), each operation rounded to float64.
    """
    if steps < 0 or not out.is_floating_point() or not _on(out.device, start, end):
        return NotImplemented
    return _filled(out, _spaced(float(start), float(end), steps))


def logspace(start: Scalar, end: Scalar, steps: int, base: float = 10.0, *, out: Tensor) -> Any:
    """pow(base, x) of the numbers x of `linspace`, in float64."""
    if steps < 0 or not out.is_floating_point() or not _on(out.device, start, end):
        return NotImplemented
    return _filled(out, _POWER((_spaced(float(start), float(end), steps),), (float(base),)))


def arange(start: Scalar, end: Scalar, step: Scalar = 1, *, out: Tensor) -> Any:
    """fma(step, i, start), of floats; their number is ceil((end - start) / step)."""
    if not out.is_floating_point() or not _on(out.device, start, end, step):
        return NotImplemented
    first, last, by = float(start), float(end), float(step)
    if not isfinite(first) or not isfinite(last) or by == 0 or (last - first) * by < 0:
        return NotImplemented  # torch says what is wrong
    n = ceil((last - first) / by)
    return _filled(out, _stepped(torch.full((n,), first, dtype=torch.float64), torch.arange(n), by))


def _filled(out: Tensor, numbers: Tensor) -> Any:
    if out.numel() == numbers.numel():
        return out.copy_(numbers.view(out.shape))
    return written(out, numbers)


ROWS: Final = (
    Defined("aten::linspace.out", linspace, "start + i step, or end - (n - 1 - i) step, in float64"),
    Defined("aten::logspace.out", logspace, "pow(base, linspace), in float64"),
    Defined("aten::arange.start_out", arange, "start + i step, in float64"),
)
