"""The kernel of roi_align and ps_roi_align gives the bits of plain torch; so do the others' sums."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.ops._triton import roi_align as kernels
from samebits.ops.deform_conv import _deform_conv2d_backward
from samebits.ops.roi_align import _ps_roi_align_backward, _roi_align_backward
from samebits.ops.roi_pool import _ps_roi_pool_backward, _roi_pool_backward

INTEGER = {2: torch.int16, 4: torch.int32, 8: torch.int64}


def both(monkeypatch: pytest.MonkeyPatch, function: Callable[[], Any]) -> None:
    """Fail where the bits of the kernels and of plain torch differ; any NaN is like another."""
    results = []
    with np.errstate(all="ignore"):
        for fused in (True, False):
            if not fused:
                monkeypatch.setattr(triton_launch, "triton_for", lambda tensor: False)
            result = function()
            results.append(result if isinstance(result, tuple) else (result,))
    for mine, plain in zip(*results, strict=True):
        assert mine.dtype == plain.dtype
        assert torch.equal(mine.isnan(), plain.isnan())
        bits = [
            each.nan_to_num(0, math.inf, -math.inf).view(INTEGER[each.element_size()])
            for each in (mine, plain)
        ]
        assert torch.equal(*bits)
        assert plain.nan_to_num().any()


def noise(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)


def boxes(count: int) -> Tensor:
    """Regions of two images of about 7 x 9; the last three are in no image, far outside, and unknown."""
    generator = torch.Generator().manual_seed(2)
    first = torch.rand((count, 2), generator=generator) * 9 - 2
    image = torch.arange(count)[:, None] % 2
    rois = torch.cat([image, first, first + torch.rand((count, 2), generator=generator) * 9 - 0.5], 1)
    rois[-3, 0] = 2
    rois[-2, 1:] += 50
    rois[-1, 2] = math.nan
    return rois


def mapping(grad: Tensor) -> Tensor:
    each = torch.arange(grad.shape[1:].numel(), dtype=torch.int32).view(grad.shape[1:])
    return each.expand(grad.shape).contiguous()


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize(("ratio", "aligned"), [(-1, True), (2, False)])
def test_roi_align(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, ratio: int, aligned: bool) -> None:
    grad, rois = noise(6, 3, 2, 1, dtype=dtype), boxes(6).to(dtype)
    both(monkeypatch, lambda: _roi_align_backward(grad, rois, 0.9, 2, 1, 2, 3, 7, 9, ratio, aligned))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("ratio", [-1, 2])
def test_ps_roi_align(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, ratio: int) -> None:
    grad, rois = noise(6, 2, 1, 2, dtype=dtype), boxes(6).to(dtype)
    both(
        monkeypatch,
        lambda: _ps_roi_align_backward(grad, rois, mapping(grad), 0.9, 1, 2, ratio, 2, 4, 7, 9),
    )


@pytest.mark.parametrize("ratio", [-1, 2])
def test_special_values_and_strides(monkeypatch: pytest.MonkeyPatch, ratio: int) -> None:
    grad, rois = noise(1, 5, 5, 1).permute(2, 1, 0, 3), boxes(5)
    grad[0, :, 0, 0] = torch.tensor([math.inf, -math.inf, math.nan, 1e-45, -0.0])
    both(monkeypatch, lambda: _roi_align_backward(grad, rois, 1.0, 1, 1, 2, 5, 7, 9, ratio, True))


def test_parts_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    grad, rois = noise(5, 35, 1, 2), boxes(5)
    monkeypatch.setattr(kernels, "_BINS", 1)
    both(monkeypatch, lambda: _roi_align_backward(grad, rois, 1.0, 1, 2, 2, 35, 7, 9, 2, True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pools(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> None:
    grad, rois = noise(5, 2, 2, 2, dtype=dtype), boxes(5).to(dtype)
    argmax = torch.arange(40, dtype=torch.int32).view(grad.shape) - 1
    both(
        monkeypatch,
        lambda: (
            _roi_pool_backward(grad, rois, argmax, 1.0, 2, 2, 2, 2, 7, 9),
            _ps_roi_pool_backward(grad, rois, mapping(grad), 1.0, 2, 2, 2, 8, 7, 9),
        ),
    )


def test_deform_conv(monkeypatch: pytest.MonkeyPatch) -> None:
    grad, input, weight = noise(2, 3, 4, 4), noise(2, 2, 5, 5), noise(3, 2, 2, 2)
    offset, mask, bias = noise(2, 8, 4, 4), noise(2, 4, 4, 4), noise(3)
    both(
        monkeypatch,
        lambda: _deform_conv2d_backward(
            grad, input, weight, offset, mask, bias, 1, 1, 0, 0, 1, 1, 1, 1, True
        ),
    )
