"""The kernel of `grid_sample`'s backward gives the bits of plain torch."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from samebits._runtime import triton_launch
from samebits.ops import grid_sample

INTEGER = {2: torch.int16, 4: torch.int32, 8: torch.int64}
MODES = [(2, 0), (2, 1), (2, 2), (3, 0), (3, 1)]


@pytest.mark.parametrize(("d", "mode"), MODES)
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize(
    ("dtype", "align", "special"),
    [
        (torch.float32, False, True),
        (torch.float32, True, False),
        (torch.float64, True, True),
        (torch.bfloat16, False, False),
    ],
)
def test_bits_of_plain_torch(
    monkeypatch: pytest.MonkeyPatch,
    d: int,
    mode: int,
    padding: int,
    dtype: torch.dtype,
    align: bool,
    special: bool,
) -> None:
    generator = torch.Generator().manual_seed(d)
    size, points, channels = (3, 1, 6)[-d:], (2, 3, 5)[-d:], 11
    x = torch.randn((2, channels, *size), generator=generator, dtype=torch.float64).to(dtype)
    g = torch.randn((2, channels, *points), generator=generator, dtype=torch.float64).to(dtype)
    grid = (torch.rand((2, *points, d), generator=generator, dtype=torch.float64) * 3 - 1.5).to(dtype)
    if d == 2:
        x = x.contiguous(memory_format=torch.channels_last)
    if special:
        g[0, 0].view(-1)[1] = math.inf
        g[0, 1].view(-1)[2] = math.nan
        x[1, 0, ..., 0] = math.inf
        grid.view(-1)[:6] = torch.tensor([math.nan, math.inf, -math.inf, 1e20, -1e9, -1.0])
    backward = getattr(grid_sample, f"grid_sampler_{d}d_backward")
    with np.errstate(all="ignore"):  # the interpreter is numpy, which reports what floats do silently
        kernel = backward(g, x, grid, mode, padding, align, [True, True])
    monkeypatch.setattr(triton_launch, "triton_for", lambda tensor: False)
    plain = backward(g, x, grid, mode, padding, align, [True, True])
    for got, want in zip(kernel, plain, strict=True):
        assert got.stride() == want.stride()
        same = got.view(INTEGER[got.element_size()]) == want.view(INTEGER[want.element_size()])
        assert bool((same | (got.isnan() & want.isnan())).all())


@pytest.mark.parametrize("wanted", [(False, True), (True, False), (False, False)])
def test_the_mask_of_outputs_is_honoured(wanted: tuple[bool, bool]) -> None:
    x, g, grid = torch.ones(1, 2, 3, 3), torch.ones(1, 2, 2, 2), torch.zeros(1, 2, 2, 2)
    results = grid_sample.grid_sampler_2d_backward(g, x, grid, 0, 0, False, wanted)
    assert tuple(result is not None for result in results) == wanted
