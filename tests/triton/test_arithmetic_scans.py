"""Scans in Triton give the bits of the C kernels."""

from __future__ import annotations

from math import inf, nan

import pytest
import torch

from samebits.arithmetic import scans
from samebits.arithmetic._triton import scans as on_cuda

from .arithmetic import as_hardware, same

FUNCTIONS = (scans.cumsum, scans.cumprod, scans.logcumsumexp)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("kind", range(3), ids=["sum", "product", "log"])
@pytest.mark.parametrize(("shape", "dim"), [((1,), 0), ((3, 20), 1), ((260, 3), 0), ((2, 600, 2), 1)])
def test_scans(shape: tuple[int, ...], dim: int, kind: int, dtype: torch.dtype) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    if shape == (3, 20):
        x[0, 3], x[1, 4], x[2, 5], x[2, 6] = inf, nan, -inf, -inf
        x[0, 4] = inf
    want = FUNCTIONS[kind](x, dim)
    with as_hardware():
        got = on_cuda.scan(kind, x, torch.empty_like(x), dim)
    assert same(got, want)
