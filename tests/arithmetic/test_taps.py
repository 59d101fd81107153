"""Interpolation, average pools and padding: sums of taps, with the reference's bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.arithmetic.bits import THREADS, same_bits, threads
from tests.arithmetic.replaced import replaced
from torch import Tensor

from samebits.arithmetic import core, padding, pooling, resampling, taps
from samebits.arithmetic.reference import taps as reference
from samebits.ops import adaptive_pool, pool
from samebits.ops.primitives import gather
from samebits.ops.primitives.taps import Taps, of

ROWS = (*pooling.ROWS, *padding.ROWS, *resampling.ROWS)


def _normal(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)


def _laid(x: Tensor) -> Iterator[Tensor]:
    yield x
    yield x.contiguous(memory_format=torch.channels_last)
    yield x.mT.contiguous().mT


def _map(rows: int, source: int, most: int, weighted: bool, seed: int) -> Taps:
    made = np.random.default_rng(seed)
    index = np.sort(made.integers(-1, source, (rows, most)), axis=1)
    return of(index, made.normal(size=(rows, most)) if weighted else None, source=source)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("weighted", [True, False])
def test_maps_have_the_references_bits(dtype: torch.dtype, weighted: bool) -> None:
    x = _normal(2, 3, 11, 35, dtype=dtype)
    down, across = _map(7, 11, 4, weighted, 1), _map(70, 35, 3, weighted, 2)
    expected = x.numpy()
    for axis, one in ((2, down), (3, across)):
        expected = reference.mapped(expected, axis, one.index, one.count, one.weight)
    for tier in core.tiers():
        for number in THREADS:
            with core.using(tier), threads(number):
                for laid in _laid(x):
                    same_bits(taps.chain(laid, [(3, across), (2, down)]), torch.from_numpy(expected))
    same_bits(gather.chain(x, [(3, across), (2, down)], dtype), torch.from_numpy(expected))


_image = partial(_normal, 2, 3, 13, 9)
_volume = partial(_normal, 1, 2, 5, 6, 7)
_line = partial(_normal, 2, 3, 17)


def _to(mode: str, size: Any, **options: Any) -> Callable[[Tensor], Tensor]:
    return lambda x: F.interpolate(x, size=size, mode=mode, **options)


CASES: dict[str, tuple[Callable[[Tensor], Tensor], Callable[..., Tensor]]] = {
    "linear": (_to("linear", 30), _line),
    "bilinear": (_to("bilinear", (7, 20)), _image),
    "bilinear, one dimension kept": (_to("bilinear", (13, 20), align_corners=True), _image),
    "bilinear, by a factor": (partial(F.interpolate, scale_factor=1.7, mode="bilinear"), _image),
    "trilinear": (_to("trilinear", (7, 4, 9)), _volume),
    "bicubic": (_to("bicubic", (7, 20)), _image),
    "bilinear, antialias": (_to("bilinear", (5, 20), antialias=True), _image),
    "bicubic, antialias": (_to("bicubic", (5, 4), antialias=True), _image),
    "nearest": (_to("nearest", (7, 20)), _image),
    "nearest, twice": (_to("nearest", (26, 18)), _image),
    "nearest, 3d": (_to("nearest", (7, 4, 9)), _volume),
    "nearest-exact": (_to("nearest-exact", (7, 20)), _image),
    "avg_pool1d": (partial(F.avg_pool1d, kernel_size=3), _line),
    "avg_pool2d": (partial(F.avg_pool2d, kernel_size=3, stride=2, padding=1), _image),
    "avg_pool2d, edges": (
        partial(F.avg_pool2d, kernel_size=3, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
        _image,
    ),
    "avg_pool2d, divisor": (partial(F.avg_pool2d, kernel_size=(2, 3), divisor_override=5), _image),
    "avg_pool3d": (partial(F.avg_pool3d, kernel_size=3, stride=2, padding=1, ceil_mode=True), _volume),
    "adaptive_avg_pool2d": (partial(F.adaptive_avg_pool2d, output_size=(5, 4)), _image),
    "adaptive_avg_pool3d": (partial(F.adaptive_avg_pool3d, output_size=(2, 5, 4)), _volume),
    "max_pool2d": (partial(F.max_pool2d, kernel_size=3, stride=1), _image),
    "max_pool3d": (partial(F.max_pool3d, kernel_size=3, stride=1), _volume),
    "adaptive_max_pool2d": (partial(F.adaptive_max_pool2d, output_size=(5, 4)), _image),
    **{
        f"{mode}, {len(pads) // 2}d": (partial(F.pad, pad=pads, mode=mode), made)
        for mode in ("reflect", "replicate")
        for pads, made in (((3, 2), _line), ((3, 2, 1, 4), _image), ((3, 2, 1, 4, 0, 2), _volume))
    },
}


def _results(call: Callable[[Tensor], Tensor], x: Tensor) -> list[Tensor]:
    x = x.detach().requires_grad_()
    y = call(x)
    grad = torch.randn(y.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64).to(y.dtype)
    return [y.detach(), *torch.autograd.grad(y, x, grad)]


@pytest.mark.parametrize("name", CASES)
def test_one_result_in_every_tier_layout_and_number_of_threads_near_torchs(name: str) -> None:
    call, made = CASES[name]
    x = made()
    native = _results(call, x)
    wide = _results(call, x.double())
    with replaced(ROWS):
        expected = _results(call, x)
        for tier in core.tiers():
            for number in THREADS:
                with core.using(tier), threads(number):
                    for laid in _laid(x) if x.dim() == 4 else (x,):
                        for got, want in zip(_results(call, laid), expected, strict=True):
                            same_bits(got, want)
        same_bits(call(x[:1]), expected[0][:1])
        assert torch.autograd.gradcheck(call, (made(dtype=torch.float64).requires_grad_(),), fast_mode=True)
        half = _results(call, x.bfloat16())
    for ours, theirs, exact in zip(expected, native, wide, strict=True):
        assert (ours.shape, ours.stride()) == (theirs.shape, theirs.stride())
        assert torch.allclose(ours.double(), exact, rtol=1e-4, atol=1e-5)
    assert torch.allclose(half[0].double(), wide[0], rtol=0.05, atol=0.05)


def test_backwards_that_samebits_ops_has_too_have_its_bits() -> None:
    x, grad = _image(), _normal(2, 3, 5, 4)
    ours = pooling._adaptive_avg_pool2d_backward(grad, x)
    same_bits(ours, adaptive_pool._adaptive_avg_pool2d_backward(grad, x))
    volume = _volume()
    arguments = ([3], [2], [1], True, False, None)
    pooled = F.avg_pool3d(volume, 3, 2, 1, True, False)
    same_bits(
        pooling.avg_pool3d_backward(pooled, volume, *arguments),
        pool.avg_pool3d_backward(pooled, volume, *arguments),
    )


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("edge", ["zeros", "border", "reflection"])
def test_sampling_at_points(mode: str, edge: str) -> None:
    x, made = _image(), torch.Generator().manual_seed(4)
    grid = torch.rand(2, 6, 5, 2, generator=made) * 2.6 - 1.3
    call = partial(F.grid_sample, mode=mode, padding_mode=edge, align_corners=False)
    native = call(x, grid)
    with replaced(ROWS):
        expected = call(x, grid)
        for number in THREADS:
            with threads(number):
                same_bits(call(x.contiguous(memory_format=torch.channels_last), grid), expected)
        same_bits(call(x[1:], grid[1:]), expected[1:])
    assert torch.allclose(expected, native, rtol=1e-4, atol=1e-5)
    if mode != "bicubic":
        volume, points = _volume(), torch.rand(1, 3, 4, 5, 3, generator=made) * 2.6 - 1.3
        theirs = call(volume, points)
        with replaced(ROWS):
            assert torch.allclose(call(volume, points), theirs, rtol=1e-4, atol=1e-5)


def test_what_torch_refuses_it_refuses() -> None:
    with replaced(ROWS):
        with pytest.raises(RuntimeError):
            F.avg_pool2d(_image(), 20)
        with pytest.raises(RuntimeError):
            torch.ops.aten.upsample_bilinear2d(_image(), [0, 3], False)
