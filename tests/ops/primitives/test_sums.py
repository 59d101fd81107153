"""Sums of scattered terms: exact on the grid, without order, the same through bins, and gentle to zeros."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.ops.primitives import sums

FLOATS = [torch.float32, torch.bfloat16, torch.float16, torch.float64]
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=16)


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_launch, "triton_for", lambda tensor: False)
        yield


def drawn(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def places(bins: int, *shape: int, seed: int = 1) -> Tensor:
    return torch.randint(bins, shape, generator=torch.Generator().manual_seed(seed))


def added(table: Tensor, dim: int, index: Tensor, terms: Tensor, scale: float = 1) -> Tensor:
    table = table.clone()
    sums.add_(table, dim, index, terms, scale)
    return table


@given(st.lists(NUMBERS, min_size=1, max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_one_bin_holds_the_exact_sum_rounded_once(numbers: list[float], random: object) -> None:
    exact = float(sum(map(Fraction, numbers)))
    index = torch.zeros(len(numbers), dtype=torch.int64)
    assert added(torch.zeros(1), 0, index, torch.tensor(numbers)) == torch.tensor(exact).float()
    random.shuffle(numbers)  # type: ignore[attr-defined]
    assert added(torch.zeros(1), 0, index, torch.tensor(numbers)) == torch.tensor(exact).float()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("bins", "rows", "columns"), [(7, 5000, 3), (50_000, 900, 5), (9, 40, 1), (2000, 300, 90)]
)
@pytest.mark.parametrize("one", [True, False], ids=["index a row", "index an element"])
def test_no_order_shows_and_bins_agree(
    dtype: torch.dtype, bins: int, rows: int, columns: int, one: bool
) -> None:
    index = places(bins, rows) if one else places(bins, rows, columns)
    terms, table = drawn(rows, columns, dtype=dtype), drawn(bins, columns, dtype=dtype, seed=2)
    result = added(table, 0, index, terms)
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(3))
    assert torch.equal(result, added(table, 0, index[order], terms[order]))
    binned = table.clone()
    sums._join(binned, sums.binned(table.shape, 0, index, terms).neg_().add_(0.0))
    assert torch.equal(result, binned)
    wide = index[:, None].expand_as(terms) if one else index
    if dtype == torch.float64:
        first = [math.fsum(terms[:, 0][wide[:, 0] == at].tolist()) for at in range(min(bins, 20))]
        exact = table[: len(first), 0] + torch.tensor(first, dtype=dtype)
        assert torch.equal(result[: len(first), 0], exact)
        return
    reference = table.double().scatter_add(0, wide, terms.double())
    native = table.scatter_add(0, wide, terms)
    error, theirs = ((x.double() - reference).abs().max() for x in (result, native))
    assert error <= 2 * theirs + torch.finfo(dtype).eps * reference.abs().max()


@pytest.mark.parametrize("shape", [(30, 400), (3, 50, 40), (70_000, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_slices_of_other_dimensions_do_not_meet(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    for dim in range(len(shape)):
        terms, table = drawn(*shape, dtype=dtype), drawn(*shape, dtype=dtype, seed=4)
        index = places(shape[dim], *shape)
        result = added(table, dim, index, terms, scale=-0.7)
        reference = table.double().scatter_add(dim, index, -0.7 * terms.double())
        torch.testing.assert_close(result.double(), reference, rtol=0, atol=32 * torch.finfo(dtype).eps)
        if shape[dim] < 1000:
            several = (
                index.select(1 - min(dim, 1), 0)
                if len(shape) == 2
                else index[(0,) * dim][(..., *([0] * (2 - dim)))]
            )
            rows = added(table, dim, several, terms)
            torch.testing.assert_close(rows, table.index_add(dim, several, terms), rtol=0, atol=1e-4)


@pytest.mark.parametrize("dtype", FLOATS)
def test_where_nothing_is_added_nothing_changes(dtype: torch.dtype) -> None:
    table = torch.tensor([-0.0, 0.0, -0.0, torch.inf], dtype=dtype)
    terms = torch.tensor([1.5, -1.5, 1.0], dtype=dtype)
    for view in (table, table[:, None].repeat(1, 3)):
        values = terms if view.dim() == 1 else terms[:, None].repeat(1, 3)
        result = added(view, 0, torch.tensor([2, 2, 1]), values)
        assert torch.equal(result.signbit(), view.signbit())
        assert torch.equal(result[[0, 2, 3]], view[[0, 2, 3]])
    large = torch.full((100, 2), -0.0, dtype=dtype)
    assert added(large, 0, torch.tensor([5, 5]), torch.ones(2, 2, dtype=dtype)).signbit().sum() == 198


@pytest.mark.parametrize("dtype", FLOATS)
def test_nan_and_infinities_are_a_float_sums(dtype: torch.dtype) -> None:
    inf, nan = torch.inf, torch.nan
    terms = torch.tensor([inf, 1, -inf, inf, -inf, nan, 2, 3], dtype=dtype)
    index = torch.tensor([0, 0, 1, 2, 2, 3, 4, 4])
    result = added(torch.zeros(6, dtype=dtype), 0, index, terms)
    want = torch.tensor([inf, -inf, nan, nan, 5, 0], dtype=dtype)
    assert torch.equal(result.nan_to_num(7), want.nan_to_num(7))
    many = added(torch.zeros(6, 3, dtype=dtype), 0, index, terms[:, None].repeat(1, 3))
    assert torch.equal(many.nan_to_num(7), want[:, None].repeat(1, 3).nan_to_num(7))


@pytest.mark.parametrize("size", [1e300, 2.0**1020, 1e-300, 5e-324, 1e-310])
def test_float64_of_any_size(size: float) -> None:
    terms = torch.tensor([3.0, -1.0, 0.5, 0.0]).double() * size
    result = added(torch.zeros(2).double(), 0, torch.tensor([0, 0, 0, 1]), terms)
    assert result.tolist() == [terms.sum().item(), 0.0]


@pytest.mark.parametrize("size", [3e38, 1e-38, 1e-45])
def test_float32_of_any_size(size: float) -> None:
    terms = torch.tensor([0.5, -0.25, 1.0]) * size
    result = added(torch.zeros(1), 0, torch.zeros(3, dtype=torch.int64), terms)
    assert result == terms.double().sum().float()


def test_a_large_lane_costs_another_nothing() -> None:
    terms = torch.stack([drawn(1000), drawn(1000) * 1e-30], 1)
    index = places(10, 1000)
    result = added(torch.zeros(10, 2), 0, index, terms)
    reference = torch.zeros(10, 2).double().index_add(0, index, terms.double())
    torch.testing.assert_close(result.double(), reference, rtol=1e-6, atol=1e-37)


def test_whole_numbers_leave_nothing_for_the_second_grid() -> None:
    terms, index = torch.arange(-500, 500).double()[:, None].repeat(1, 3) * 2.0**20, places(7, 1000)
    terms[3] += 1e-6
    for some in (terms, terms[4:]):
        grid = sums.SumGrid(sums.largest(some, 0), len(some), 2, 0)
        assert len(list(grid.parts(some))) == (2 if some is terms else 1)
        result = added(torch.zeros(7, 3).double(), 0, index[-len(some) :], some)
        assert result[0, 0] == math.fsum(some[:, 0][index[-len(some) :] == 0].tolist())


@pytest.mark.parametrize("shape", [(70, 1), (70, 3), (70, 48), (70, 2, 5), (5, 7), (1, 31), (70,)])
def test_the_largest_of_narrow_rows(shape: tuple[int, ...]) -> None:
    terms = drawn(*shape)
    assert torch.equal(sums.largest(terms, 0).bound.squeeze(-1), terms.abs().amax(0))
    terms[-1] = torch.nan
    size = sums.largest(terms, 0)
    assert not size.finite
    assert size.bound.isfinite().all()
