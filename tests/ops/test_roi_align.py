"""Backward of roi_align and ps_roi_align, against autograd of a forward written pixel by pixel."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch import library as dispatcher

from samebits._runtime import triton_launch
from samebits.determinism.overrides import InstalledOverrides
from samebits.model.operators import OPERATIONS
from samebits.ops.primitives import regions
from samebits.ops.roi_align import _ps_roi_align_backward, _roi_align_backward

ROWS = [row for row in OPERATIONS if row.schema.startswith("torchvision::")]
HEAD = "Tensor grad, Tensor rois, "
BOXED = "Tensor channel_mapping, float spatial_scale, "
POOLED = "SymInt pooled_height, SymInt pooled_width"
SIZE = "SymInt batch_size, SymInt channels, SymInt height, SymInt width"
#: As torchvision 0.28 defines them.
SCHEMAS = {
    "_roi_align_backward": f"({HEAD}float spatial_scale, {POOLED}, {SIZE}, int sampling_ratio, bool aligned)",
    "_roi_pool_backward": f"({HEAD}Tensor argmax, float spatial_scale, {POOLED}, {SIZE})",
    "_ps_roi_align_backward": f"({HEAD}{BOXED}{POOLED}, int sampling_ratio, {SIZE})",
    "_ps_roi_pool_backward": f"({HEAD}{BOXED}{POOLED}, {SIZE})",
    "_deform_conv2d_backward": "(Tensor grad, Tensor input, Tensor weight, Tensor offset, Tensor mask, "
    "Tensor bias, SymInt stride_h, SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, SymInt "
    "dilation_w, SymInt groups, SymInt offset_groups, bool use_mask)",
}


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_launch, "triton_for", lambda tensor: False)
        yield


def noise(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def value_at(image: Tensor, y: float, x: float) -> Tensor:
    """`image` (C, H, W) at a point between its pixels; zero more than a pixel outside."""
    height, width = image.shape[1:]
    if not (-1 <= y <= height and -1 <= x <= width):
        return image[:, 0, 0] * 0
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    upper = image[:, top, left] * (1 - (x - left)) + image[:, top, right] * (x - left)
    lower = image[:, bottom, left] * (1 - (x - left)) + image[:, bottom, right] * (x - left)
    return upper * (1 - (y - top)) + lower * (y - top)


def align(
    input: Tensor,
    rois: Tensor,
    scale: float,
    pooled: tuple[int, int],
    ratio: int,
    aligned: bool,
    mapped: bool,
) -> Tensor:
    """The forward: the mean of a bin's samples.  Points are computed in the dtype of `rois`."""
    dtype = rois.dtype
    results = []
    for image, *box in rois:
        x1, y1, x2, y2 = (each * torch.tensor(scale, dtype=dtype) - (0.5 if aligned else 0.0) for each in box)
        lengths = [y2 - y1, x2 - x1]
        if not aligned:
            lengths = [each.clamp(min=1) for each in lengths]
        steps = [each / size for each, size in zip(lengths, pooled, strict=True)]
        counts = [ratio if ratio > 0 else max(math.ceil(each), 0) for each in steps]
        middles = torch.arange(max(counts), dtype=dtype) + 0.5
        points = [
            [[float(start + p * step + at * step / count) for at in middles[:count]] for p in range(size)]
            for start, step, size, count in zip((y1, x1), steps, pooled, counts, strict=True)
        ]
        source = input[int(image)]
        bins = []
        for i in range(pooled[0]):
            for j in range(pooled[1]):
                mine = source[i * pooled[1] + j :: pooled[0] * pooled[1]] if mapped else source
                values = [value_at(mine, y, x) for y in points[0][i] for x in points[1][j]]
                bins.append(sum(values, mine[:, 0, 0] * 0) / max(len(values), 1))
        results.append(torch.stack(bins, -1).unflatten(-1, pooled))
    return torch.stack(results)


def boxes(count: int, images: int, size: float, seed: int) -> Tensor:
    """Regions of any size and place, also outside; some have no area, some a negative one."""
    generator = torch.Generator().manual_seed(seed)
    first = torch.rand((count, 2), generator=generator, dtype=torch.float64) * (size + 6) - 3
    length = torch.rand((count, 2), generator=generator, dtype=torch.float64) ** 2 * (size + 2) - 1
    image = torch.randint(0, images, (count, 1), generator=generator).double()
    return torch.cat([image, first, first + length], 1)


def mapping(grad: Tensor) -> Tensor:
    each = torch.arange(grad.shape[1:].numel(), dtype=torch.int32).view(grad.shape[1:])
    return each.expand(grad.shape).contiguous()


def ours(
    grad: Tensor,
    rois: Tensor,
    scale: float,
    images: int,
    size: tuple[int, int],
    ratio: int,
    aligned: bool,
    mapped: bool,
) -> Any:
    pooled = grad.shape[2], grad.shape[3]
    if mapped:
        channels = grad.shape[1] * pooled[0] * pooled[1]
        return _ps_roi_align_backward(
            grad, rois, mapping(grad), scale, *pooled, ratio, images, channels, *size
        )
    return _roi_align_backward(grad, rois, scale, *pooled, images, grad.shape[1], *size, ratio, aligned)


def gradients(
    grad: Tensor,
    rois: Tensor,
    scale: float,
    images: int,
    size: tuple[int, int],
    ratio: int,
    aligned: bool,
    mapped: bool,
) -> Tensor:
    """Autograd's gradient of the forward, in float64."""
    pooled = grad.shape[2], grad.shape[3]
    channels = grad.shape[1] * (pooled[0] * pooled[1] if mapped else 1)
    x = torch.zeros((images, channels, *size), dtype=torch.float64, requires_grad=True)
    align(x, rois, scale, pooled, ratio, aligned, mapped).backward(grad.double())
    assert x.grad is not None
    return x.grad


@settings(max_examples=50, deadline=None)
@given(
    st.tuples(
        st.integers(1, 3), st.integers(1, 3), st.sampled_from([1, 2, 5, 7]), st.sampled_from([1, 2, 6])
    ),
    st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3)),
    st.sampled_from([-1, 0, 1, 2, 3]),
    st.sampled_from([(True, False), (False, False), (True, True)]),
    st.sampled_from([1.0, 0.5, 0.37]),
    st.integers(0, 1000),
)
def test_is_the_forward_s_gradient(
    shape: tuple[int, int, int, int],
    bins: tuple[int, int, int],
    ratio: int,
    kind: tuple[bool, bool],
    scale: float,
    seed: int,
) -> None:
    images, channels, height, width = shape
    count, tall, wide = bins
    rois = boxes(count, images, max(height, width) / scale, seed)
    grad = noise(count, channels, tall, wide, dtype=torch.float64, seed=seed)
    arguments = (grad, rois, scale, images, (height, width), ratio, *kind)
    torch.testing.assert_close(ours(*arguments), gradients(*arguments), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("ratio", [-1, 2])
@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_low_precision_is_rounded_once_and_samples_where_the_forward_did(
    dtype: torch.dtype, ratio: int, mapped: bool
) -> None:
    rois = boxes(9, 2, 12, 5).to(dtype)
    grad = noise(9, 2, 2, 3, dtype=dtype)
    arguments = (grad, rois, 0.7, 2, (9, 11), ratio, True, mapped)
    result, expected = ours(*arguments), gradients(*arguments)
    assert result.dtype == dtype
    tolerance = torch.finfo(dtype).eps * expected.abs() + 1e-6 * expected.abs().max()
    assert ((result.double() - expected).abs() <= tolerance).all()


@pytest.mark.parametrize("ratio", [-1, 2])
@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_order_and_parts_do_not_show(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, ratio: int, mapped: bool
) -> None:
    generator = torch.Generator().manual_seed(3)
    rois = boxes(40, 3, 30, 3).to(dtype)
    grad = noise(40, 5, 3, 2, dtype=dtype)
    grad *= torch.exp(3 * torch.randn((40, 1, 1, 1), generator=generator)).to(dtype)
    rest = (1.0, 3, (31, 17), ratio, True, mapped)
    expected = ours(grad, rois, *rest)
    for _ in range(5):
        order = torch.randperm(40, generator=generator)
        assert torch.equal(ours(grad[order], rois[order], *rest), expected)
    for name, size in (("_TERMS", 50), ("_BINS", 1), ("_GROUP", 1), ("_PAIRS", 1)):
        monkeypatch.setattr(regions, name, size)
    assert torch.equal(ours(grad, rois, *rest), expected)


def test_threads_do_not_show() -> None:
    grad, rois = noise(60, 33, 4, 4), boxes(60, 2, 40, 3).float()
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(ours(grad, rois, 1.0, 2, (40, 40), -1, True, False))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*results)


@pytest.mark.parametrize("mapped", [False, True])
def test_what_cancels_leaves_nothing(mapped: bool) -> None:
    rois = boxes(7, 2, 12, 5).float()
    grad = noise(7, 2, 3, 3)
    both = torch.cat([grad, -grad]), torch.cat([rois, rois])
    assert not ours(*both, 1.0, 2, (12, 12), 2, False, mapped).any()


@pytest.mark.parametrize("layout", ["channels_last", "expanded", "strided"])
def test_any_layout_in_and_contiguous_out(layout: str) -> None:
    rois = boxes(6, 2, 12, 5).float()
    grad = noise(6, 4, 3, 3)
    if layout == "channels_last":
        grad = grad.to(memory_format=torch.channels_last)
    elif layout == "expanded":
        grad = grad[:, :1, :1, :1].expand(6, 4, 3, 3)
    else:
        grad = noise(12, 3, 3, 8)[::2].permute(0, 3, 1, 2)[:, ::2]
    for mapped in (False, True):
        result = ours(grad, rois, 1.0, 2, (12, 12), -1, True, mapped)
        assert result.is_contiguous()
        assert torch.equal(result, ours(grad.contiguous(), rois, 1.0, 2, (12, 12), -1, True, mapped))


@pytest.mark.parametrize("ratio", [-1, 2])
@pytest.mark.parametrize("mapped", [False, True])
def test_a_region_that_is_nowhere_gives_nothing(ratio: int, mapped: bool) -> None:
    rois = torch.tensor(
        [[0, 2, 2, 7, 7], [-1, 2, 2, 7, 7], [2, 2, 2, 7, 7], [0, 50, 50, 60, 60], [1, math.nan, 2, 7, 7]]
    )
    grad = noise(5, 2, 2, 2)
    alone = ours(grad[:1], rois[:1], 1.0, 2, (9, 9), ratio, True, mapped)
    assert alone.any()
    assert torch.equal(ours(grad, rois, 1.0, 2, (9, 9), ratio, True, mapped), alone)


@pytest.mark.parametrize("ratio", [-1, 2])
@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("special", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_stays_in_its_region(special: float, ratio: int, mapped: bool) -> None:
    rois = torch.tensor([[0, 1.37, 1.37, 4.1, 4.1], [0, 6.9, 6.9, 9.2, 9.2]])
    grad = torch.ones((2, 1, 1, 1))
    rest = (rois, 1.0, 1, (12, 12), ratio, False, mapped)
    expected = ours(grad, *rest)
    grad[0] = special
    result = ours(grad, *rest)
    far = torch.zeros_like(expected, dtype=torch.bool)
    far[..., 5:, 5:] = True
    assert torch.equal(result[far], expected[far])
    assert result[far].any()
    reached = (expected > 0) & ~far
    torch.testing.assert_close(result[reached], torch.full_like(result[reached], special), equal_nan=True)
    assert reached.any()


@pytest.mark.parametrize("mapped", [False, True])
def test_nothing_gives_zeros(mapped: bool) -> None:
    assert not ours(torch.ones((0, 2, 3, 3)), torch.ones((0, 5)), 1.0, 2, (4, 4), -1, True, mapped).any()
    assert ours(torch.ones((3, 2, 1, 1)), torch.ones((3, 5)), 1.0, 0, (4, 4), 2, True, mapped).shape == (
        0,
        2,
        4,
        4,
    )


def test_native_answers_what_it_would_refuse() -> None:
    grad, rois = torch.ones((2, 3, 1, 1)), torch.ones((2, 5))
    assert ours(grad.bfloat16(), rois.bfloat16(), 1.0, 2, (4, 4), 2, True, False) is NotImplemented
    assert ours(grad, rois.double(), 1.0, 2, (4, 4), 2, True, False) is NotImplemented
    assert ours(grad, rois[:1], 1.0, 2, (4, 4), 2, True, False) is NotImplemented
    assert ours(grad, rois[:, :4], 1.0, 2, (4, 4), 2, True, False) is NotImplemented
    other = mapping(grad).flip(1)
    assert _ps_roi_align_backward(grad, rois, other, 1.0, 1, 1, 2, 2, 3, 4, 4) is NotImplemented
    assert _ps_roi_align_backward(grad, rois, other.long(), 1.0, 1, 1, 2, 2, 3, 4, 4) is NotImplemented


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_takes_the_arguments_of_torchvision(row: Any) -> None:
    operation = row.function
    function = getattr(import_module(f"samebits.ops.{row.file}"), operation)
    schema = torch._C.parse_schema(f"{operation}{SCHEMAS[operation]} -> Tensor")
    assert [each.name for each in schema.arguments] == list(inspect.signature(function).parameters)


def test_installed_where_torchvision_is() -> None:
    row = next(row for row in ROWS if row.name == "roi_align")
    with InstalledOverrides([row], "cpu") as nothing:
        loaded = bool(nothing.rows)
    if loaded:
        pytest.skip("torchvision's own operations are loaded")
    library = dispatcher.Library("torchvision", "DEF")
    try:
        library.define(f"{row.function}{SCHEMAS[row.function]} -> Tensor")
        library.impl(row.function, lambda grad, *rest: grad.new_full((), 7), "CPU")
        grad, rois = noise(3, 2, 2, 2), boxes(3, 1, 8, 1).float()
        arguments = (grad, rois, 1.0, 2, 2, 1, 2, 8, 8, 2, True)
        operation = torch.ops.torchvision._roi_align_backward
        with InstalledOverrides([row], "cpu"):
            assert torch.equal(operation(*arguments), _roi_align_backward(*arguments))
        assert operation(*arguments) == 7
    finally:
        library._destroy()
