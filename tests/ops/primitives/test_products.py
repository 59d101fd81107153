"""Products of scattered factors: those of a loop over the index, on every way that there is."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.ops.primitives import products
from samebits.ops.primitives.exact import accumulated

FLOATS = [torch.float32, torch.bfloat16, torch.float16, torch.float64]
WAYS = ["walk", "turns"]


@pytest.fixture(params=WAYS, autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(triton_launch, "triton_for", lambda tensor: False)
    if request.param == "turns":
        monkeypatch.setattr(products, "_walk_", products.in_turns_)
    return str(request.param)


def multiplied(table: Tensor, index: Tensor, factors: Tensor, dim: int = 0) -> Tensor:
    table = table.clone()
    products.multiply_(table, dim, index, factors)
    return table


def looped(table: Tensor, index: Tensor, factors: Tensor) -> Tensor:
    """Along the first dimension, each step rounded to the accumulated type."""
    result = table.to(accumulated(table.dtype)) if table.is_floating_point() else table
    result = result.clone(memory_format=torch.contiguous_format)
    flat, lanes = result.reshape(len(table), -1), range(result[0].numel())
    rows = factors.to(result.dtype).reshape(len(factors), -1)
    for m in range(len(rows)):
        places = index[m].reshape(-1).expand(len(lanes))
        flat[places, lanes] = flat[places, lanes] * rows[m]
    return result.to(table.dtype)


@pytest.mark.parametrize("dtype", [*FLOATS, torch.int32, torch.uint8])
@pytest.mark.parametrize(
    ("bins", "rows", "columns"), [(7, 60, 3), (300, 900, 2), (1, 1, 1), (5, 90, 20), (2, 300, 1)]
)
@pytest.mark.parametrize("one", [True, False], ids=["index a row", "index an element"])
def test_a_loops_bits(dtype: torch.dtype, bins: int, rows: int, columns: int, one: bool) -> None:
    generator = torch.Generator().manual_seed(bins)
    factors = (torch.randn(rows, columns, generator=generator, dtype=torch.float64) * 2).to(dtype)
    table = (torch.randn(bins, columns, generator=generator, dtype=torch.float64) * 2).to(dtype)
    index = torch.randint(bins, (rows,) if one else (rows, columns), generator=generator)
    assert torch.equal(multiplied(table, index, factors), looped(table, index, factors))


@given(st.lists(st.sampled_from([-7, -2, -1, 1, 2, 3, 5]), min_size=1, max_size=9), st.sampled_from(FLOATS))
@settings(max_examples=25, deadline=None)
def test_small_whole_numbers_are_rounded_once(numbers: list[int], dtype: torch.dtype) -> None:
    want = torch.tensor(numbers, dtype=torch.float64).prod().to(dtype)
    for ours in (products._walk_, products.in_turns_):
        result = torch.ones(1, dtype=accumulated(dtype))
        ours(result, 0, torch.zeros(len(numbers), dtype=torch.int64), torch.tensor(numbers).to(dtype))
        assert result.to(dtype) == want


@pytest.mark.parametrize("dtype", FLOATS)
def test_zeros_infinities_and_signs(dtype: torch.dtype) -> None:
    inf, nan = torch.inf, torch.nan
    factors = torch.tensor([0, -3, -0.0, 5, inf, -2, inf, 0, nan, 1], dtype=dtype)
    index = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    result = multiplied(torch.ones(6, dtype=dtype), index, factors)
    want = torch.tensor([-0.0, -0.0, -inf, nan, nan, 1], dtype=dtype)
    assert torch.equal(result.nan_to_num(9), want.nan_to_num(9))
    assert torch.equal(result[:3].signbit(), want[:3].signbit())


def test_whole_numbers_wrap_around() -> None:
    factors = torch.tensor([200, 3, 7, 250], dtype=torch.uint8)
    result = multiplied(torch.ones(2, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64), factors)
    assert result.tolist() == [200 * 3 * 7 * 250 % 256, 1]


@pytest.mark.parametrize("dtype", FLOATS)
def test_other_dimensions_and_orders_in_memory(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    table = torch.rand(3, 4, 5, generator=generator).to(dtype).permute(2, 0, 1)
    for dim, size in enumerate(table.shape):
        extents = [9 if at == dim else n for at, n in enumerate(table.shape)]
        factors = (torch.rand(extents, generator=generator) + 0.5).to(dtype)
        index = torch.randint(size, extents, generator=generator)
        want = looped(table.movedim(dim, 0), index.movedim(dim, 0), factors.movedim(dim, 0)).movedim(0, dim)
        assert torch.equal(multiplied(table, index, factors, dim), want)
        several = torch.randint(size, (9,), generator=generator)
        want = looped(table.movedim(dim, 0), several, factors.movedim(dim, 0)).movedim(0, dim)
        assert torch.equal(multiplied(table, several, factors, dim), want)


def test_large_narrow_factors_go_through_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(3)
    factors = (torch.rand(500, 6, generator=generator) + 0.5).bfloat16()
    table, index = torch.ones(4, 6, dtype=torch.bfloat16), torch.randint(4, (500, 6), generator=generator)
    whole = multiplied(table, index, factors)
    monkeypatch.setattr(products.sums, "PIECE", 100)
    assert torch.equal(whole, multiplied(table, index, factors))


def test_threads_do_not_show() -> None:
    generator = torch.Generator().manual_seed(4)
    factors = torch.rand(2000, 48, generator=generator) + 0.5
    table, index = torch.ones(30, 48), torch.randint(30, (2000,), generator=generator)
    results, before = [], torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(multiplied(table, index, factors))
    torch.set_num_threads(before)
    assert torch.equal(*results)
