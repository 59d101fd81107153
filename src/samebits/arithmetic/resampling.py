"""Interpolation and sampling at points, forward and backward.

Interpolation reads, along one dimension after the other, a few inputs with weights that depend on sizes
alone.  Which, `samebits.ops.resample` says, whose backward it is; forward is the same map the other way
round.
A dimension that keeps its length is left as it is, on every device.

Sampling at the points of a grid is `samebits.ops.grid_sample`'s: forward from the taps that its backward has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from samebits.arithmetic.rows import Defined
from samebits.arithmetic.sums import COMPUTED
from samebits.arithmetic.taps import chain
from samebits.ops import grid_sample
from samebits.ops.primitives.sampling import BICUBIC, Sampling, located, sampled, tapped
from samebits.ops.primitives.taps import Taps, transposed
from samebits.ops.resample import Filter, areas, points

#: A tensor, or NotImplemented.
Result = Any
#: Makes a dimension's map from outputs to inputs: of its lengths, align_corners, scale, whether it is wide.
Map = Callable[[int, int, bool, float | None, bool], Taps]


@lru_cache(maxsize=512)
def forward(taps: Taps) -> Taps:
    """The map that `taps` is the transpose of."""
    there = np.arange(taps.index.shape[1]) < taps.count[:, None]
    return transposed(np.where(there, taps.index, -1), taps.weight, source=taps.source)


def _interpolation(taps: Map, name: str, dims: int) -> tuple[Defined, Defined]:
    """The rows of an interpolation with `dims` dimensions."""

    def maps(inputs: Sequence[int], outputs: Sequence[int], rest: Sequence[Any], wide: bool) -> Any:
        align, *scales = rest
        scales += [None] * (dims - len(scales))
        if len(inputs) != dims or len(outputs) != dims or min(*inputs, *outputs) < 1:
            return None
        return [
            (dim, taps(n, m, align, scale or None, wide))
            for dim, (n, m, scale) in enumerate(zip(inputs, outputs, scales, strict=True), 2)
            if n != m
        ]

    def interpolated(self: Tensor, output_size: Sequence[int], *rest: Any, **named: Any) -> Result:
        passes = None
        if self.dim() == dims + 2 and self.dtype in COMPUTED and self.numel():
            rest = (*rest, *named.values())
            passes = maps(self.shape[2:], output_size, rest, self.dtype is torch.float64)
        if passes is None:
            return NotImplemented
        return chain(self, [(dim, forward(one)) for dim, one in passes])

    def backward(
        grad_output: Tensor, output_size: Sequence[int], input_size: Sequence[int], *rest: Any, **named: Any
    ) -> Result:
        passes = None
        if list(grad_output.shape) == [*input_size[:2], *output_size] and grad_output.dtype in COMPUTED:
            rest = (*rest, *named.values())
            passes = maps(input_size[2:], output_size, rest, grad_output.dtype is torch.float64)
        if passes is None or grad_output.numel() == 0:
            return NotImplemented
        return chain(grad_output, passes)

    return (
        Defined(f"aten::{name}", interpolated, "S of taps, dimension by dimension", (f"aten::{name}.out",)),
        Defined(
            f"aten::{name}_backward",
            backward,
            "S of taps, dimension by dimension",
            (f"aten::{name}_backward.grad_input",),
        ),
    )


def _points(kind: Filter) -> Map:
    return lambda n, m, align, scale, wide: points(kind, n, m, align, scale, wide)


def _areas(kind: Filter) -> Map:
    return lambda n, m, align, scale, wide: areas(kind, n, m, align, scale, wide)


@lru_cache(maxsize=256)
def _nearest(inputs: int, outputs: int, scale: float | None, exact: bool) -> Taps:
    """The middle of an output, or its edge, in float32; where torch's kernel needs no formula, nor do we."""
    at = np.arange(outputs)
    step = np.float32(1.0 / scale) if scale else np.float32(inputs) / np.float32(outputs)
    if exact:
        at = np.floor(((at + 0.5) * np.float64(step)).astype(np.float32)).astype(np.int64)
    elif outputs == 2 * inputs:
        at = at >> 1
    elif outputs != inputs:
        at = np.floor(at.astype(np.float32) * step).astype(np.int64)
    return transposed(np.minimum(at, inputs - 1)[:, None], source=inputs)


def _nearests(name: str, dims: int, exact: bool) -> tuple[Defined, Defined]:
    """As `_interpolation`.  Forward torch's own is the same, unless it computes where the middle is."""
    rows = _interpolation(lambda n, m, align, scale, wide: _nearest(n, m, scale, exact), name, dims)
    interpolated, backward = (row.function for row in rows)

    def copied(self: Tensor, output_size: Sequence[int], *scales: Any, **named: Any) -> Result:
        if self.is_cpu and not exact:
            return NotImplemented
        return interpolated(self, output_size, False, *scales, **named)

    def summed(
        grad_output: Tensor, output_size: Sequence[int], input_size: Sequence[int], *scales: Any, **named: Any
    ) -> Result:
        return backward(grad_output, output_size, input_size, False, *scales, **named)

    return (
        Defined(rows[0].schema, copied, "a copy", rows[0].variants),
        Defined(rows[1].schema, summed, rows[1].formula, rows[1].variants),
    )


def _sampled(input: Tensor, grid: Tensor, mode: int, padding: int, align: bool) -> Result:
    dims = input.dim() - 2
    if (
        input.dtype not in COMPUTED
        or grid.dtype is not input.dtype
        or grid.dim() != dims + 2
        or grid.shape[-1] != dims
        or grid.shape[0] != input.shape[0]
        or input.numel() * grid.numel() == 0
        or mode not in range(3)
        or padding not in range(3)
        or (mode == BICUBIC and dims != 2)
    ):
        return NotImplemented
    how = sampled(tuple(input.shape[2:]), mode, padding, bool(align))
    out = input.new_empty((*input.shape[:2], *grid.shape[1:-1]))
    for image, where, into in zip(input, grid.flatten(1, -2), out.flatten(2), strict=True):
        _one_image(image[None], where[None], into, how)
    return out


def _one_image(image: Tensor, grid: Tensor, into: Tensor, how: Sampling) -> None:
    """`into` (C, P) is sampled from an image (1, C, *size) at the points (1, P, D)."""
    dtype = COMPUTED[image.dtype]
    places, _ = located(grid.to(dtype), how)
    index, weight = tapped(places, how)
    # A point that is nowhere reads what follows the image: a zero.
    source = image.new_zeros((1, image.shape[1], how.length + 1), dtype=dtype)
    how.inner(source).copy_(image)
    total: Tensor | None = None
    for k in range(index.shape[2]):
        term = source[0].index_select(1, index[0, 0, k])
        if weight is not None:
            term.mul_(weight[0, 0, k])
        total = term if total is None else total.add_(term)
    assert total is not None
    into.copy_(total)


def grid_sampler_2d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Result:
    """((w_1 x_1) + w_2 x_2) + ... of the taps of each point.

    Args:
        input: (N, C, H, W).
        grid: (N, H', W', 2).
        interpolation_mode: 0 bilinear, 1 nearest, 2 bicubic.
        padding_mode: 0 zeros, 1 border, 2 reflection.
    """
    return (
        _sampled(input, grid, interpolation_mode, padding_mode, align_corners)
        if input.dim() == 4
        else NotImplemented
    )


def grid_sampler_3d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Result:
    """As `grid_sampler_2d`, of (N, C, D, H, W) at (N, D', H', W', 3)."""
    return (
        _sampled(input, grid, interpolation_mode, padding_mode, align_corners)
        if input.dim() == 5
        else NotImplemented
    )


ROWS: Final = (
    *_interpolation(_points(Filter.LINEAR), "upsample_linear1d", 1),
    *_interpolation(_points(Filter.LINEAR), "upsample_bilinear2d", 2),
    *_interpolation(_points(Filter.LINEAR), "upsample_trilinear3d", 3),
    *_interpolation(_points(Filter.CUBIC), "upsample_bicubic2d", 2),
    *_interpolation(_areas(Filter.LINEAR), "_upsample_bilinear2d_aa", 2),
    *_interpolation(_areas(Filter.CUBIC), "_upsample_bicubic2d_aa", 2),
    *_interpolation(_areas(Filter.LANCZOS), "_upsample_lanczos2d_aa", 2),
    *(row for dims in (1, 2, 3) for row in _nearests(f"upsample_nearest{dims}d", dims, False)),
    *(row for dims in (1, 2, 3) for row in _nearests(f"_upsample_nearest_exact{dims}d", dims, True)),
    Defined("aten::grid_sampler_2d", grid_sampler_2d, "S of taps", ("aten::grid_sampler_2d.out",)),
    Defined("aten::grid_sampler_3d", grid_sampler_3d, "S of taps", ("aten::grid_sampler_3d.out",)),
    Defined("aten::grid_sampler_2d_backward", grid_sample.grid_sampler_2d_backward, "exact sums of taps"),
    Defined("aten::grid_sampler_3d_backward", grid_sample.grid_sampler_3d_backward, "exact sums of taps"),
)
