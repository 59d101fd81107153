"""Exact sums: the same bits in any order and any division, and how far from the true sum."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.ops.primitives import exact
from samebits.ops.primitives.exact import Bins, Magnitude, magnitude

few = settings(max_examples=40, deadline=None)
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
INTEGER = {2: torch.int16, 4: torch.int32, 8: torch.int64}


def bits(x: Tensor) -> Tensor:
    """As integers, for which NaN equals NaN and 0.0 does not equal -0.0."""
    return x.contiguous().view(INTEGER[x.element_size()])


def places(seed: int, shape: tuple[int, ...], size: int) -> Tensor:
    return torch.randint(0, size, shape, generator=torch.Generator().manual_seed(seed))


def drawn(seed: int, shape: tuple[int, ...], dtype: torch.dtype, spread: float = 4.0) -> Tensor:
    """Numbers of both signs and of many sizes."""
    generator = torch.Generator().manual_seed(seed)
    base = torch.randn(shape, generator=generator, dtype=torch.float64)
    return (base * torch.exp(spread * torch.randn(shape, generator=generator, dtype=torch.float64))).to(dtype)


def summed(terms: Tensor, index: Tensor, size: int, parts: int = 1) -> Tensor:
    lanes = terms.dim() - 1
    bins = Bins((*terms.shape[:-1], size), magnitude(terms, lanes), terms.shape[-1], terms.dtype)
    for some, where in zip(terms.chunk(parts, -1), index.chunk(parts, -1), strict=True):
        bins.add(where, some)
    return bins.value()


@few
@given(
    seed=st.integers(0, 10_000),
    lanes=st.sampled_from([(), (1,), (3,), (2, 3)]),
    terms=st.integers(1, 97),
    size=st.integers(1, 11),
    parts=st.integers(1, 5),
    dtype=st.sampled_from(DTYPES),
    special=st.booleans(),
)
def test_any_order_and_any_division_gives_the_same_bits(
    seed: int, lanes: tuple[int, ...], terms: int, size: int, parts: int, dtype: torch.dtype, special: bool
) -> None:
    x = drawn(seed, (*lanes, terms), dtype, spread=1.0 if dtype == torch.float16 else 4.0)
    generator = torch.Generator().manual_seed(seed)
    if special:
        x[..., 0] = (math.inf, -math.inf, math.nan, 5e-324, -0.0)[seed % 5]
    index = torch.randint(0, size + 1, x.shape, generator=generator)
    order = torch.randperm(terms, generator=generator)
    once = summed(x, index, size)
    assert torch.equal(bits(once), bits(summed(x[..., order], index[..., order], size, min(parts, terms))))


def test_float_sums_do_depend_on_the_order() -> None:
    """The property above could fail: plain sums of the same terms do."""
    x = drawn(0, (97,), torch.float32)
    generator = torch.Generator().manual_seed(0)
    orders = [torch.randperm(97, generator=generator) for _ in range(20)]
    assert len({float(sum(x[order].unbind())) for order in orders}) > 1


@few
@given(
    seed=st.integers(0, 10_000),
    terms=st.integers(1, 300),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_error_is_within_the_bound_of_the_docstring(seed: int, terms: int, dtype: torch.dtype) -> None:
    x = drawn(seed, (terms,), dtype)
    true = math.fsum(x.tolist())
    got = summed(x, torch.zeros(terms, dtype=torch.int64), 1).item()
    held = 62 - max(terms - 1, 0).bit_length()
    rounding = math.ulp(true) if dtype == torch.float64 else abs(true) * 2.0**-24 + 2.0**-150
    lost = terms * float(x.abs().max()) * 2.0 ** (-held if dtype == torch.float32 else -2 * held)
    assert abs(got - true) <= rounding + lost


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_of_similar_size_are_summed_to_the_nearest(dtype: torch.dtype) -> None:
    x = drawn(1, (64, 1000), dtype, spread=0.2)
    got = summed(x, torch.zeros(1000, dtype=torch.int64), 1)[:, 0]
    true = torch.tensor([math.fsum(row) for row in x.tolist()], dtype=torch.float64)
    assert torch.equal(got, true.float().to(dtype) if dtype != torch.float64 else true)


def test_nearly_cancelling_float64_terms_keep_what_is_left() -> None:
    x = torch.tensor([1e16, 1.0, -1e16, 2.0**-40], dtype=torch.float64)
    assert summed(x, torch.zeros(4, dtype=torch.int64), 1).item() == 1.0 + 2.0**-40


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_largest_terms_do_not_overflow(dtype: torch.dtype) -> None:
    largest = torch.finfo(dtype).max
    for count in (1, 2, 4096):
        x = torch.full((count,), largest / count, dtype=dtype)
        for sign in (1, -1):
            got = summed(x * sign, torch.zeros(count, dtype=torch.int64), 1).item() * sign
            assert got == pytest.approx(largest, rel=1e-6)
    assert (
        summed(torch.full((2,), largest, dtype=dtype), torch.zeros(2, dtype=torch.int64), 1).item()
        == math.inf
    )


def test_a_bound_too_small_by_less_than_two_is_harmless() -> None:
    count = 1 << 12
    x = torch.full((count,), 1.99)
    bins = Bins((1,), Magnitude(torch.tensor([1.0]), True), count, torch.float32)
    bins.add(torch.zeros(count, dtype=torch.int64), x)
    assert bins.value().item() == pytest.approx(1.99 * count, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_denormals_are_summed_exactly(dtype: torch.dtype) -> None:
    least = torch.finfo(dtype).smallest_normal * torch.finfo(dtype).eps
    x = torch.tensor([least, 3 * least, -2 * least, 7 * least], dtype=dtype)
    assert summed(x, torch.tensor([0, 0, 0, 1]), 2).tolist() == [2 * least, 7 * least]


@pytest.mark.parametrize("dtype", DTYPES)
def test_infinities_and_nan_are_those_of_a_float_sum(dtype: torch.dtype) -> None:
    inf, nan = math.inf, math.nan
    x = torch.tensor([1.0, inf, -inf, nan, inf, -inf, 2.0, inf], dtype=dtype)
    index = torch.tensor([0, 0, 1, 2, 3, 3, 4, 5])
    got = summed(x, index, 5)  # the last one goes nowhere
    assert torch.equal(got.isnan(), torch.tensor([False, False, True, True, False]))
    assert got[0] == inf
    assert got[1] == -inf
    assert got[4] == 2.0


def test_a_lane_with_infinities_leaves_the_finite_bins_exact() -> None:
    x = torch.tensor([[1e-3, math.inf, 2.5e-3], [1.0, 2.0, 3.0]])
    got = summed(x, torch.tensor([0, 1, 0]), 2)
    assert torch.equal(got, torch.tensor([[1e-3 + 2.5e-3, math.inf], [4.0, 2.0]]))


def test_large_terms_of_one_lane_cost_another_nothing() -> None:
    x = torch.tensor([[3e30, 1e30], [3e-30, 1e-30]])
    assert torch.equal(summed(x, torch.tensor([0, 0]), 1), x.sum(-1, keepdim=True))


def test_nothing_gives_zeros() -> None:
    for x in (torch.zeros(2, 5), torch.empty(2, 0)):
        got = summed(x, torch.zeros(x.shape[-1], dtype=torch.int64), 3)
        assert torch.equal(bits(got), bits(torch.zeros(2, 3)))
    assert summed(torch.empty(0, 4), torch.zeros(4, dtype=torch.int64), 3).shape == (0, 3)
    assert summed(torch.ones(2, 4), torch.zeros(4, dtype=torch.int64), 0).shape == (2, 0)


def test_magnitude_of_lanes() -> None:
    x = torch.tensor([[[1.0, -7.0]], [[math.nan, 2.0]], [[-math.inf, -0.0]]])
    assert magnitude(x).bound.tolist() == [7.0]
    assert magnitude(x, lanes=1).bound.tolist() == [[7.0], [2.0], [0.0]]
    assert magnitude(x, lanes=3).bound.shape == (3, 1, 2, 1)
    assert magnitude(x).finite is False
    assert magnitude(x[0]).finite is True
    assert magnitude(torch.tensor(-3.0, dtype=torch.float64)).bound.tolist() == [3.0]
    assert magnitude(x.half()).bound.dtype == torch.float32


@pytest.mark.parametrize("limit", [1, 2, 7, 60, 10**6])
def test_pieces_do_not_show(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    x, index = drawn(3, (2, 3, 10), torch.float64), places(3, (3, 10), 5)
    whole = summed(x, index, 4)
    monkeypatch.setattr(exact, "PIECE", limit)
    assert torch.equal(whole, summed(x, index, 4))


def test_index_and_terms_broadcast() -> None:
    x = drawn(4, (2, 1, 6), torch.float32)
    index = torch.tensor([0, 1, 1, 0, 2, 2])
    bins = Bins((2, 3, 2), magnitude(x), 6, torch.float32)
    bins.add(index, x)
    expected = torch.zeros(2, 3, 3).scatter_add_(-1, index.expand(2, 3, 6), x.expand(2, 3, 6))[..., :2]
    torch.testing.assert_close(bins.value(), expected)


def test_one_and_two_threads_agree() -> None:
    x, index = drawn(5, (4, 50_000), torch.float32), places(5, (50_000,), 10)
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(summed(x, index, 10))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*results)


def test_plain_torch_is_the_way_on_a_cpu() -> None:
    assert triton_launch.triton_for(torch.zeros(1)) is False
