"""`histc` in Triton under its interpreter: the counts of plain torch."""

from __future__ import annotations

import pytest
import torch

from samebits._runtime import triton_launch
from samebits.ops import histogram


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bins", [1, 7, 100, 1023, 1024, 3000])
@pytest.mark.parametrize("ends", [(0, 0), (-0.3, 1.7)])
def test_counts_are_those_of_plain_torch(
    dtype: torch.dtype, bins: int, ends: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.randn(20_011, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    found = histogram.histc(x, bins, *ends)
    monkeypatch.setattr(triton_launch, "triton_for", lambda tensor: False)
    assert torch.equal(found, histogram.histc(x, bins, *ends))


def test_edges_strides_and_what_is_not_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.linspace(-1.5, 1.5, 301).repeat_interleave(2)
    x[6], x[8], x[10] = torch.nan, torch.inf, -torch.inf
    for given in (x, x[::2], x[1:]):
        monkeypatch.undo()
        found = histogram.histc(given, 100, -1, 1)
        monkeypatch.setattr(triton_launch, "triton_for", lambda tensor: False)
        assert torch.equal(found, histogram.histc(given, 100, -1, 1))
        assert found.sum() > 50


def test_bincount_through_the_kernels_of_exact_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    index = torch.randint(9, (3001,), generator=torch.Generator().manual_seed(0))
    weights = torch.randn(3001, generator=torch.Generator().manual_seed(1))
    found = histogram.bincount(index, weights)
    monkeypatch.setattr(triton_launch, "triton_for", lambda tensor: False)
    assert torch.equal(found, histogram.bincount(index, weights))
