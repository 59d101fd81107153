"""Backward of interpolation: linear, cubic and antialiased, in one, two and three dimensions.

Interpolation is separable: along each dimension an output is a weighted sum of a
few inputs, and the weights depend on sizes and scales alone.  So its backward is
the transpose of one small matrix a dimension, and `taps` gathers with it.

The weights are those of PyTorch's forward, so that this is the exact adjoint of
what ran forward.  An output's position in the input is computed in float32 for
float32 and below and in float64 for float64, with one rounding (as a fused
multiply-add has); the filters are evaluated in float64 and rounded once.

Two things in which PyTorch's own kernels are not one are decided so:

- A dimension that keeps its length under an explicit scale other than 1: the forward on
  the CPU leaves it as it is (but for bicubic without antialiasing), the one on CUDA only
  where every dimension keeps its length.  Each device gets the adjoint of its own forward;
  PyTorch's backward on the CPU is not that with antialiasing.
- Antialiasing forward on the CPU is wrong in torch 2.13 where the input or the output is one
  wide and the memory format is not channels_last: it takes a height for a width.  Ours is
  the adjoint of the filter as defined, which the forward on CUDA computes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import lru_cache, partial
from types import NotImplementedType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from samebits.model.operators import Operation, Recipe, Torch
from samebits.ops.case import LINES, PLANES, VOLUMES, Build, Case, Maker, Shape, Size, Task, on_one
from samebits.ops.primitives.exact import accumulated
from samebits.ops.primitives.gather import chain
from samebits.ops.primitives.taps import Taps, transposed

Floats = npt.NDArray[np.float64]

#: Of the cubic convolution: what OpenCV takes, and for antialiasing what Pillow takes.
CUBIC, KEYS = -0.75, -0.5


class Filter(Enum):
    """The reconstruction filter; its value is the number of inputs an output reads when it enlarges."""

    LINEAR = 2
    CUBIC = 4
    LANCZOS = 6


def upsample_linear1d_backward(
    grad_output: Tensor,
    output_size: Sequence[int],
    input_size: Sequence[int],
    align_corners: bool,
    scales: float | None = None,
) -> Tensor | NotImplementedType:
    """Gradient (N, C, W) of linear interpolation to (N, C, output W)."""
    return _plain(Filter.LINEAR, grad_output, output_size, input_size, align_corners, (scales,))


def upsample_bilinear2d_backward(
    grad_output: Tensor,
    output_size: Sequence[int],
    input_size: Sequence[int],
    align_corners: bool,
    scales_h: float | None = None,
    scales_w: float | None = None,
) -> Tensor | NotImplementedType:
    """Gradient (N, C, H, W) of bilinear interpolation, in the memory format of `grad_output`."""
    return _plain(Filter.LINEAR, grad_output, output_size, input_size, align_corners, (scales_h, scales_w))


def upsample_trilinear3d_backward(
    grad_output: Tensor,
    output_size: Sequence[int],
    input_size: Sequence[int],
    align_corners: bool,
    scales_d: float | None = None,
    scales_h: float | None = None,
    scales_w: float | None = None,
) -> Tensor | NotImplementedType:
    """Gradient (N, C, D, H, W) of trilinear interpolation, in the memory format of `grad_output`."""
    scales = (scales_d, scales_h, scales_w)
    return _plain(Filter.LINEAR, grad_output, output_size, input_size, align_corners, scales)


def upsample_bicubic2d_backward(
    grad_output: Tensor,
    output_size: Sequence[int],
    input_size: Sequence[int],
    align_corners: bool,
    scales_h: float | None = None,
    scales_w: float | None = None,
) -> Tensor | NotImplementedType:
    """Gradient (N, C, H, W) of bicubic interpolation, contiguous."""
    return _contiguous(
        _plain(Filter.CUBIC, grad_output, output_size, input_size, align_corners, (scales_h, scales_w))
    )


def _upsample_bilinear2d_aa_backward(
    grad_output: Tensor,
    output_size: Sequence[int],
    input_size: Sequence[int],
    align_corners: bool,
    scales_h: float | None = None,
    scales_w: float | None = None,
) -> Tensor | NotImplementedType:
    """Gradient (N, C, H, W) of bilinear interpolation with antialiasing, in the format of `grad_output`."""
    return _smooth(Filter.LINEAR, grad_output, output_size, input_size, align_corners, (scales_h, scales_w))


def _upsample_bicubic2d_aa_backward(
    grad_output: Tensor,
    output_size: Sequence[int],
    input_size: Sequence[int],
    align_corners: bool,
    scales_h: float | None = None,
    scales_w: float | None = None,
) -> Tensor | NotImplementedType:
    """Gradient (N, C, H, W) of bicubic interpolation with antialiasing, contiguous."""
    return _contiguous(
        _smooth(Filter.CUBIC, grad_output, output_size, input_size, align_corners, (scales_h, scales_w))
    )


def _upsample_lanczos2d_aa_backward(
    grad_output: Tensor,
    output_size: Sequence[int],
    input_size: Sequence[int],
    align_corners: bool,
    scales_h: float | None = None,
    scales_w: float | None = None,
) -> Tensor | NotImplementedType:
    """Gradient (N, C, H, W) of Lanczos interpolation with antialiasing, contiguous."""
    return _contiguous(
        _smooth(Filter.LANCZOS, grad_output, output_size, input_size, align_corners, (scales_h, scales_w))
    )


def _contiguous(grad: Tensor | NotImplementedType) -> Tensor | NotImplementedType:
    # By way of one dimension: with one channel, contiguous tensors may have the strides of channels_last.
    return grad.flatten().view(grad.shape) if isinstance(grad, Tensor) else grad


def _plain(
    kind: Filter,
    grad: Tensor,
    output_size: Sequence[int],
    input_size: Sequence[int],
    align_corners: bool,
    scales: Sequence[float | None],
) -> Tensor | NotImplementedType:
    alone = kind is Filter.LINEAR and grad.device.type == "cpu"
    return _backward(points, kind, grad, output_size, input_size, align_corners, scales, alone)


def _smooth(
    kind: Filter,
    grad: Tensor,
    output_size: Sequence[int],
    input_size: Sequence[int],
    align_corners: bool,
    scales: Sequence[float | None],
) -> Tensor | NotImplementedType:
    alone = grad.device.type == "cpu"
    return _backward(areas, kind, grad, output_size, input_size, align_corners, scales, alone)


def _backward(
    weights: Callable[..., Taps],
    kind: Filter,
    grad: Tensor,
    output_size: Sequence[int],
    input_size: Sequence[int],
    align_corners: bool,
    scales: Sequence[float | None],
    alone: bool,
) -> Tensor | NotImplementedType:
    """The gradient; `alone`: a dimension that keeps its length is copied whatever becomes of the others."""
    lengths = [int(length) for length in input_size[2:]]
    made = [int(length) for length in output_size]
    if (
        len(input_size) != len(scales) + 2
        or len(made) != len(scales)
        or min(*lengths, *made) < 1
        or list(grad.shape) != [*input_size[:2], *made]
        or not grad.is_floating_point()
    ):
        return NotImplemented  # type: ignore[no-any-return]  # PyTorch's kernel says what is wrong
    passes = []
    if made != lengths:
        wide = accumulated(grad.dtype) == torch.float64
        for dim, (n, m, scale) in enumerate(zip(lengths, made, scales, strict=True), 2):
            if not (alone and n == m):
                passes.append((dim, weights(kind, n, m, align_corners, scale or None, wide)))
    return chain(grad, passes, grad.dtype)


def ratio(
    inputs: int, outputs: int, align_corners: bool, scale: float | None, wide: bool
) -> np.float32 | np.float64:
    """Inputs an output, in the type of the computation: float64 where `wide`."""
    real: type[np.float32] | type[np.float64] = np.float64 if wide else np.float32
    if align_corners:
        return real(inputs - 1) / real(outputs - 1) if outputs > 1 else real(0)
    if scale is not None and scale > 0:
        return real(1.0 / scale)
    return real(inputs) / real(outputs)


@lru_cache(maxsize=256)
def points(
    kind: Filter, inputs: int, outputs: int, align_corners: bool, scale: float | None, wide: bool
) -> Taps:
    """The transposed weights of interpolation between the nearest inputs."""
    step = ratio(inputs, outputs, align_corners, scale, wide)
    at = np.arange(outputs, dtype=np.float64)
    place = float(step) * at if align_corners else float(step) * (at + 0.5) - 0.5
    place = place.astype(step.dtype)
    if kind is Filter.LINEAR:
        place = np.maximum(place, 0)
    left = np.minimum(np.floor(place).astype(np.int64), inputs - 1)
    right = np.clip(place - left.astype(step.dtype), 0, 1)  # how far right of it, rounded like the place
    if kind is Filter.LINEAR:
        weight = np.stack([1 - right, right], axis=1)
        index = np.stack([left, left + 1], axis=1)
    else:
        offset = np.arange(-1, 3)
        weight = _cubic(right[:, None].astype(np.float64) - offset, CUBIC).astype(step.dtype)
        index = left[:, None] + offset
    return transposed(index.clip(0, inputs - 1), weight, source=inputs)


@lru_cache(maxsize=256)
def areas(
    kind: Filter, inputs: int, outputs: int, align_corners: bool, scale: float | None, wide: bool
) -> Taps:
    """The transposed weights of interpolation over all the inputs that an output covers."""
    step = ratio(inputs, outputs, align_corners, scale, wide)
    stretch = max(float(step), 1.0)
    support = kind.value * 0.5 * stretch
    centre = (float(step) * (np.arange(outputs) + 0.5)).astype(step.dtype).astype(np.float64)[:, None]
    first = np.maximum((centre - support + 0.5).astype(np.int64), 0)
    end = np.minimum((centre + support + 0.5).astype(np.int64), inputs)
    index = first + np.arange(max(int((end - first).max()), 1))
    shape = {Filter.LINEAR: _linear, Filter.CUBIC: _keys, Filter.LANCZOS: _lanczos}[kind]
    weight = np.where(index < end, shape((index - centre + 0.5) / stretch), 0)
    total = weight.sum(axis=1, keepdims=True)
    weight = (weight / np.where(total == 0, 1, total)).astype(step.dtype)
    return transposed(np.where(index < end, index, -1), weight, source=inputs)


def _linear(x: Floats) -> Floats:
    return np.asarray(np.maximum(1 - np.abs(x), 0))


def _cubic(x: Floats, a: float) -> Floats:
    """Cubic convolution: https://doi.org/10.1109/TASSP.1981.1163711, equation 15 for a = -0.5."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _keys(x: Floats) -> Floats:
    return _cubic(x, KEYS)


def _lanczos(x: Floats) -> Floats:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


_RUN_BY = ("torch.nn.Upsample",)
_BILINEAR = ("torch.nn.functional.upsample_bilinear", "torch.nn.UpsamplingBilinear2d")

REPLACES = tuple(
    Operation.backward(
        "interpolate",
        f"{name}_backward",
        Torch.RAISES,
        Recipe.TAPS,
        run_by=_RUN_BY + (_BILINEAR if name == "upsample_bilinear2d" else ()),
    )
    for name in (
        "upsample_linear1d",
        "upsample_bilinear2d",
        "upsample_bicubic2d",
        "upsample_trilinear3d",
        "_upsample_bilinear2d_aa",
        "_upsample_bicubic2d_aa",
        "_upsample_lanczos2d_aa",
    )
)


def _resized(mode: str, ratio: float, **options: Any) -> Build:
    """To `ratio` times the size, rounded to a number that does not divide it."""

    def build(make: Maker, shape: Shape) -> Task:
        size = [int(n * ratio) + 1 for n in shape[2:]]
        return Task(partial(F.interpolate, size=size, mode=mode, **options), (make.normal(*shape),))

    return build


def _scaled(mode: str, factor: float, **options: Any) -> Build:
    return on_one(partial(F.interpolate, scale_factor=factor, mode=mode, **options))


def _resampling(name: str, operation: str, build: Build, shapes: Mapping[Size, Shape] = PLANES) -> Case:
    return Case(f"interpolate {name}", (f"aten::{operation}_backward",), build, shapes)


CASES = (
    _resampling("linear", "upsample_linear1d", _resized("linear", 1.7), LINES),
    _resampling("linear, corners", "upsample_linear1d", _resized("linear", 0.6, align_corners=True), LINES),
    _resampling("bilinear", "upsample_bilinear2d", _resized("bilinear", 1.7)),
    _resampling("bilinear, by a factor", "upsample_bilinear2d", _scaled("bilinear", 2.0)),
    _resampling("bilinear, corners", "upsample_bilinear2d", _resized("bilinear", 1.7, align_corners=True)),
    _resampling("bilinear, down", "upsample_bilinear2d", _resized("bilinear", 0.6)),
    _resampling("bicubic", "upsample_bicubic2d", _resized("bicubic", 1.7)),
    _resampling("bicubic, corners", "upsample_bicubic2d", _resized("bicubic", 0.6, align_corners=True)),
    _resampling("trilinear", "upsample_trilinear3d", _resized("trilinear", 1.4), VOLUMES),
    _resampling("bilinear, antialias", "_upsample_bilinear2d_aa", _resized("bilinear", 0.4, antialias=True)),
    _resampling(
        "bilinear, antialias, up", "_upsample_bilinear2d_aa", _resized("bilinear", 1.4, antialias=True)
    ),
    _resampling("bicubic, antialias", "_upsample_bicubic2d_aa", _resized("bicubic", 0.4, antialias=True)),
    _resampling("lanczos, antialias", "_upsample_lanczos2d_aa", _resized("lanczos", 0.4, antialias=True)),
)
