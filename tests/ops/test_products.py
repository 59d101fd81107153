"""Products of scattered factors: exact where they can be, without order, without overflow on the way."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits.ops import backend, products

FLOATS = [torch.float32, torch.bfloat16, torch.float16, torch.float64]


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "triton_for", lambda tensor: False)
        yield


def multiplied(table: Tensor, index: Tensor, factors: Tensor, dim: int = 0) -> Tensor:
    table = table.clone()
    products.multiply_(table, dim, index, factors)
    return table


@given(st.lists(st.sampled_from([-7, -2, -1, 1, 2, 3, 5]), min_size=1, max_size=9), st.sampled_from(FLOATS))
@settings(max_examples=50)
def test_small_whole_numbers_are_exact(numbers: list[int], dtype: torch.dtype) -> None:
    want = torch.tensor(math.prod(numbers), dtype=torch.float64).to(dtype)
    index = torch.zeros(len(numbers), dtype=torch.int64)
    assert multiplied(torch.ones(1, dtype=dtype), index, torch.tensor(numbers).to(dtype)) == want


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("bins", "rows", "columns"), [(7, 60, 3), (300, 2000, 2), (1, 1, 1), (70_000, 70_000, 1)]
)
def test_no_order_shows_and_the_error_is_small(
    dtype: torch.dtype, bins: int, rows: int, columns: int
) -> None:
    generator = torch.Generator().manual_seed(bins)
    factors = torch.randn(rows, columns, generator=generator, dtype=torch.float64).to(dtype)
    table = torch.randn(bins, columns, generator=generator, dtype=torch.float64).to(dtype)
    index = torch.randint(bins, (rows,), generator=generator)
    result = multiplied(table, index, factors)
    order = torch.randperm(rows, generator=generator)
    assert torch.equal(result, multiplied(table, index[order], factors[order]))
    wide = index[:, None].expand_as(factors)
    reference = table.double().scatter_reduce(0, wide, factors.double(), "prod")
    info = torch.finfo(dtype)
    torch.testing.assert_close(result.double(), reference, rtol=20 * info.eps, atol=info.smallest_normal)


@pytest.mark.parametrize("dtype", FLOATS)
def test_zeros_infinities_and_signs(dtype: torch.dtype) -> None:
    inf, nan = torch.inf, torch.nan
    factors = torch.tensor([0, -3, -0.0, 5, inf, -2, inf, 0, nan, 1], dtype=dtype)
    index = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    result = multiplied(torch.ones(6, dtype=dtype), index, factors)
    want = torch.tensor([-0.0, -0.0, -inf, nan, nan, 1], dtype=dtype)
    assert torch.equal(result.nan_to_num(9), want.nan_to_num(9))
    assert torch.equal(result[:3].signbit(), want[:3].signbit())


@pytest.mark.parametrize(("dtype", "large"), [(torch.float32, 1e38), (torch.float64, 1e300)])
def test_large_and_small_factors_do_not_overflow_on_the_way(dtype: torch.dtype, large: float) -> None:
    factors = torch.tensor([large, large, 1 / large, 1 / large, 3], dtype=dtype)
    result = multiplied(torch.ones(1, dtype=dtype), torch.zeros(5, dtype=torch.int64), factors)
    torch.testing.assert_close(result, torch.tensor([3], dtype=dtype))


def test_whole_numbers_wrap_around() -> None:
    factors = torch.tensor([200, 3, 7, 250], dtype=torch.uint8)
    result = multiplied(torch.ones(2, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64), factors)
    assert result.tolist() == [200 * 3 * 7 * 250 % 256, 1]


def test_along_the_last_dimension_and_out_of_order_in_memory() -> None:
    generator = torch.Generator().manual_seed(0)
    for dtype in (torch.float32, torch.float64):
        table = torch.ones(5, 4, dtype=dtype).t()
        factors = torch.rand(4, 9, generator=generator).to(dtype) + 0.5
        index = torch.randint(5, (4, 9), generator=generator)
        torch.testing.assert_close(
            multiplied(table, index, factors, 1), table.scatter_reduce(1, index, factors, "prod")
        )
