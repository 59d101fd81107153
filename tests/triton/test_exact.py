"""The exact sums' kernels give the bits of plain torch."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.ops.primitives.exact import Bins, magnitude

INTEGER = {2: torch.int16, 4: torch.int32, 8: torch.int64}


def summed(terms: Tensor, index: Tensor, shape: tuple[int, ...], lanes: int) -> tuple[Tensor, Tensor]:
    size = magnitude(terms, lanes)
    bins = Bins(shape, size, terms.shape[-1], terms.dtype)
    half = terms.shape[-1] // 2
    bins.add(index[..., :half], terms[..., :half])
    bins.add(index[..., half:], terms[..., half:])
    return size.bound, bins.value()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("lanes", [(), (3,), (2, 2), (2, 1, 3), (1, 2, 2, 2)])
@pytest.mark.parametrize("special", [False, True])
def test_bits_of_plain_torch(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, lanes: tuple[int, ...], special: bool
) -> None:
    generator = torch.Generator().manual_seed(len(lanes))
    x = torch.randn((*lanes, 1300), generator=generator, dtype=torch.float64)
    x *= torch.exp(
        torch.randn(x.shape, generator=generator, dtype=torch.float64) * (1 if dtype == torch.float16 else 5)
    )
    x = x.to(dtype).transpose(0, -1).contiguous().transpose(0, -1)  # strides of their own
    if special:
        x[..., 3:9] = torch.tensor([math.inf, -math.inf, math.nan, 5e-324, -0.0, math.inf]).to(dtype)
    index = torch.randint(0, 18, (1300,), generator=generator)
    with np.errstate(all="ignore"):
        kernel = summed(x, index, (*lanes, 17), len(lanes))
    monkeypatch.setattr(triton_launch, "triton_for", lambda tensor: False)
    plain = summed(x, index, (*lanes, 17), len(lanes))
    for got, want in zip(kernel, plain, strict=True):
        assert got.shape == want.shape
        same = got.view(INTEGER[got.element_size()]) == want.view(INTEGER[want.element_size()])
        assert bool((same | (got.isnan() & want.isnan())).all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("large", [False, True])
def test_extremes_of_scale(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, large: bool) -> None:
    info = torch.finfo(dtype)
    least = info.smallest_normal * info.eps
    values = [info.max, -info.max / 2, info.max] if large else [least, 5 * least, -least]
    terms, index = torch.tensor(values, dtype=dtype), torch.tensor([0, 0, 1])
    with np.errstate(all="ignore"):
        kernel = summed(terms, index, (2,), 0)[1]
    monkeypatch.setattr(triton_launch, "triton_for", lambda tensor: False)
    assert torch.equal(kernel, summed(terms, index, (2,), 0)[1])
    assert kernel[1] == terms[2]


def test_nothing_is_known_of_finiteness_without_asking_the_device() -> None:
    assert magnitude(torch.ones(3)).finite is None
