"""Backward of roi_pool and ps_roi_pool, against sums written pixel by pixel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.ops import roi_pool
from samebits.ops.primitives import regions
from samebits.ops.roi_pool import _ps_roi_pool_backward, _roi_pool_backward


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_launch, "triton_for", lambda tensor: False)
        yield


def noise(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def boxes(count: int, images: int, size: float, seed: int) -> Tensor:
    """Regions of any size and place, also outside; in halves, so that rounding has ties."""
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(-4, 2 * int(size) + 6, (count, 2), generator=generator) / 2
    length = torch.randint(-2, 2 * int(size) + 3, (count, 2), generator=generator) / 2
    image = torch.randint(0, images, (count, 1), generator=generator)
    return torch.cat([image, first, first + length], 1).double()


def mapping(grad: Tensor) -> Tensor:
    each = torch.arange(grad.shape[1:].numel(), dtype=torch.int32).view(grad.shape[1:])
    return each.expand(grad.shape).contiguous()


def away_from_zero(x: float) -> int:
    return int(math.copysign(math.floor(abs(x) + 0.5), x))


def limits(first: float, last: float, place: int, pooled: int, size: int) -> tuple[int, int]:
    """Pixels of a bin of `ps_roi_pool`, from and up to."""
    start = away_from_zero(first)
    step = max(away_from_zero(last) - start, 1) / pooled
    edges = math.floor(place * step) + start, math.ceil((place + 1) * step) + start
    return min(max(edges[0], 0), size), min(max(edges[1], 0), size)


def spread(grad: Tensor, rois: Tensor, scale: float, shape: tuple[int, int, int, int]) -> Tensor:
    """What `ps_roi_pool` gives each pixel, in float64."""
    result = torch.zeros(shape, dtype=torch.float64)
    _, channels, tall, wide = grad.shape
    for (image, *box), mine in zip(rois.double().tolist(), grad.double(), strict=True):
        x1, y1, x2, y2 = (each * scale for each in box)
        for i in range(tall):
            top, bottom = limits(y1, y2, i, tall, shape[2])
            for j in range(wide):
                left, right = limits(x1, x2, j, wide, shape[3])
                area = max((bottom - top) * (right - left), 1)
                for c in range(channels):
                    place = result[int(image), (c * tall + i) * wide + j]
                    place[top:bottom, left:right] += mine[c, i, j] / area
    return result


def pooled(grad: Tensor, rois: Tensor, argmax: Tensor, shape: tuple[int, int, int, int]) -> Any:
    return _roi_pool_backward(grad, rois, argmax, 1.0, grad.shape[2], grad.shape[3], *shape)


def shared(grad: Tensor, rois: Tensor, scale: float, shape: tuple[int, int, int, int]) -> Any:
    return _ps_roi_pool_backward(grad, rois, mapping(grad), scale, grad.shape[2], grad.shape[3], *shape)


@settings(max_examples=50, deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 2), st.sampled_from([1, 2, 7]), st.sampled_from([1, 2, 6])),
    st.tuples(st.integers(1, 6), st.sampled_from([1, 2, 4]), st.sampled_from([1, 2, 4])),
    st.sampled_from([1.0, 0.5]),
    st.integers(0, 1000),
)
def test_shares_reach_every_pixel_of_a_bin(
    shape: tuple[int, int, int, int], bins: tuple[int, int, int], scale: float, seed: int
) -> None:
    images, channels, height, width = shape
    rois = boxes(bins[0], images, max(height, width) / scale, seed)
    grad = noise(bins[0], channels, *bins[1:], dtype=torch.float64, seed=seed)
    size = (images, channels * bins[1] * bins[2], height, width)
    expected = spread(grad, rois, scale, size)
    torch.testing.assert_close(shared(grad, rois, scale, size), expected, rtol=1e-13, atol=1e-13)


@settings(max_examples=50, deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.sampled_from([1, 2, 7]), st.sampled_from([1, 2, 6])),
    st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 3)),
    st.integers(0, 1000),
)
def test_maxima_get_their_gradient(
    shape: tuple[int, int, int, int], bins: tuple[int, int, int], seed: int
) -> None:
    images, channels, height, width = shape
    rois = boxes(bins[0], images, 5, seed)
    grad = noise(bins[0], channels, *bins[1:], dtype=torch.float64, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    argmax = torch.randint(-1, height * width, grad.shape, generator=generator, dtype=torch.int32)
    expected = torch.zeros(shape, dtype=torch.float64)
    for k, c, i, j in torch.cartesian_prod(*(torch.arange(each) for each in grad.shape)).view(-1, 4).tolist():
        most = int(argmax[k, c, i, j])
        if most >= 0:
            expected[int(rois[k, 0]), c].view(-1)[most] += grad[k, c, i, j]
    torch.testing.assert_close(pooled(grad, rois, argmax, shape), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_order_and_parts_do_not_show(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(3)
    rois = boxes(50, 2, 20, 3).to(dtype)
    grad = noise(50, 3, 2, 2, dtype=dtype)
    argmax = torch.randint(-1, 7, grad.shape, generator=generator, dtype=torch.int32)

    def both(order: Tensor) -> tuple[Tensor, Tensor]:
        first = pooled(grad[order], rois[order], argmax[order], (2, 3, 15, 20))
        return first, shared(grad[order], rois[order], 1.0, (2, 12, 15, 20))

    expected = both(torch.arange(50))
    for _ in range(5):
        assert all(map(torch.equal, both(torch.randperm(50, generator=generator)), expected))
    for name, size in (("_TERMS", 50), ("_BINS", 1), ("_GROUP", 1), ("_PAIRS", 1)):
        monkeypatch.setattr(regions, name, size)
    assert all(map(torch.equal, both(torch.arange(50)), expected))
    assert all(each.dtype == dtype and each.any() for each in expected)


def test_float32_is_the_rounded_sum() -> None:
    rois = boxes(200, 1, 6, 3).float()
    grad = noise(200, 1, 2, 2)
    result, expected = shared(grad, rois, 1.0, (1, 4, 6, 6)), spread(grad, rois, 1.0, (1, 4, 6, 6))
    torch.testing.assert_close(result.double(), expected, rtol=0, atol=3e-7 * float(expected.abs().max()))


@pytest.mark.parametrize("layout", ["channels_last", "expanded"])
def test_any_layout_in_and_contiguous_out(layout: str) -> None:
    rois = boxes(6, 2, 12, 5).float()
    grad, argmax = noise(6, 4, 3, 3), torch.zeros((6, 4, 3, 3), dtype=torch.int32)
    if layout == "channels_last":
        grad = grad.to(memory_format=torch.channels_last)
        argmax = argmax.to(memory_format=torch.channels_last)
    else:
        grad, argmax = grad[:, :1].expand(grad.shape), argmax[:, :1].expand(grad.shape)
    first, second = pooled(grad, rois, argmax, (2, 4, 5, 5)), shared(grad, rois, 1.0, (2, 36, 9, 9))
    assert first.is_contiguous()
    assert second.is_contiguous()
    plain = grad.contiguous()
    assert torch.equal(first, pooled(plain, rois, argmax.contiguous(), (2, 4, 5, 5)))
    assert torch.equal(second, shared(plain, rois, 1.0, (2, 36, 9, 9)))


@pytest.mark.parametrize("special", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_stays_where_it_is(special: float) -> None:
    rois = torch.tensor([[0, 1, 1, 4, 4], [0, 6, 6, 9, 9], [3, 1, 1, 9, 9], [-1, 1, 1, 9, 9]]).float()
    grad = torch.tensor([special, 1.0, special, special]).view(4, 1, 1, 1)
    spots = shared(grad, rois, 1.0, (1, 1, 12, 12))[0, 0]
    torch.testing.assert_close(spots[1:4, 1:4], torch.full((3, 3), special), equal_nan=True)
    assert spots.isfinite().sum() == 144 - 9
    argmax = torch.tensor([13, 14, 15, 16], dtype=torch.int32).view(4, 1, 1, 1)
    spots = pooled(grad, rois, argmax, (1, 1, 12, 12)).flatten()
    torch.testing.assert_close(spots[13:17], torch.tensor([special, 1.0, 0.0, 0.0]), equal_nan=True)
    assert spots.isfinite().sum() == 144 - 1


def test_nothing_gives_zeros() -> None:
    none = torch.ones((0, 2, 1, 1))
    assert not pooled(none, torch.ones((0, 5)), none.int(), (1, 2, 3, 3)).any()
    assert not shared(none, torch.ones((0, 5)), 1.0, (1, 2, 3, 3)).any()


def test_native_answers_what_it_would_refuse() -> None:
    grad, rois = torch.ones((2, 3, 1, 1)), torch.ones((2, 5))
    argmax, shape = torch.zeros_like(grad, dtype=torch.int32), (2, 3, 4, 4)
    assert pooled(grad.bfloat16(), rois.bfloat16(), argmax, shape) is NotImplemented
    assert pooled(grad, rois.double(), argmax, shape) is NotImplemented
    assert pooled(grad, rois, argmax.long(), shape) is NotImplemented
    assert pooled(grad, rois, argmax[:1], shape) is NotImplemented
    assert shared(grad, rois[:, :4], 1.0, shape) is NotImplemented
    assert _ps_roi_pool_backward(grad, rois, argmax, 1.0, 1, 1, *shape) is NotImplemented


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("special", [1.0, torch.inf, torch.nan])
def test_few_terms_in_a_large_image_give_the_same_sums(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, special: float
) -> None:
    generator = torch.Generator().manual_seed(9)
    grad, rois = noise(6, 3, 2, 2, dtype=dtype, seed=9), boxes(6, 2, 20, 9).to(dtype)
    grad[2, 1, 0, 1] *= special
    argmax = torch.randint(-1, 7, (6, 3, 2, 2), generator=generator, dtype=torch.int32)
    rois[0, 0] = 5  # no image
    results = []
    for large in (0, 1 << 40):
        monkeypatch.setattr(roi_pool, "LARGE", large)
        results.append(_roi_pool_backward(grad, rois, argmax, 1.0, 2, 2, 2, 3, 20, 30))
    assert torch.equal(results[0].nan_to_num(7), results[1].nan_to_num(7))
    assert results[0].count_nonzero() > 9
