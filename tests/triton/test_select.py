"""Medians in Triton under its interpreter: the indices of plain torch."""

from __future__ import annotations

import pytest
import torch

from samebits._runtime import triton_launch
from samebits.ops import select

DTYPES = [
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
    torch.uint8,
    torch.int8,
    torch.int32,
    torch.int64,
]


def found(x: torch.Tensor, dim: int, leave_nan: bool) -> tuple[torch.Tensor, torch.Tensor]:
    values, indices = torch.empty(0, dtype=x.dtype), torch.empty(0, dtype=torch.int64)
    function = select.nanmedian_dim_values if leave_nan else select.median_dim_values
    function(x, dim, values=values, indices=indices)
    return values, indices


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (5, 17), (2, 300, 3), (1, 2500)])
@pytest.mark.parametrize("leave_nan", [False, True])
def test_indices_are_those_of_plain_torch(
    dtype: torch.dtype, shape: tuple[int, ...], leave_nan: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(0)
    for spread in (3, 1000):
        x = torch.randint(-spread, spread, shape, generator=generator).to(dtype)
        if dtype.is_floating_point:
            x = x / 7
            x[torch.rand(shape, generator=generator) < 0.02] = torch.nan
            x[torch.rand(shape, generator=generator) < 0.1] = -0.0
            special = torch.tensor([torch.inf, -torch.inf, torch.nan], dtype=dtype)
            x[:, :1] = special[torch.randint(3, x[:, :1].shape, generator=generator)]
        monkeypatch.undo()
        ours = found(x, 1, leave_nan)
        monkeypatch.setattr(triton_launch, "triton_for", lambda tensor: False)
        wanted = torch.empty(0, dtype=x.dtype), torch.empty(0, dtype=torch.int64)
        operation = torch.ops.aten.nanmedian if leave_nan else torch.ops.aten.median
        operation.dim_values(x, 1, values=wanted[0], indices=wanted[1])
        torch.testing.assert_close(ours[0], wanted[0], equal_nan=True, rtol=0, atol=0)
        middle = select._middle(x, 1, leave_nan)
        assert torch.equal(ours[1], select._first(x, 1, middle).squeeze(1))
        assert ours[0].isnan().any() or torch.equal(x.gather(1, ours[1].unsqueeze(1)).squeeze(1), ours[0])


@pytest.mark.parametrize("leave_nan", [False, True])
def test_long_rows_and_nothing(leave_nan: bool) -> None:
    x = torch.randint(9, (1, 9000), generator=torch.Generator().manual_seed(0)).float()
    _, indices = found(x, 1, leave_nan)
    assert torch.equal(indices, select._first(x, 1, x.sort(1).values[:, 4499:4500]).squeeze(1))
    values, indices = found(torch.empty(3, 0), 0, leave_nan)
    assert values.shape == indices.shape == (0,)
