"""`bincount` with weights and `histc`: torch's bins, sums of no order, and torch's errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.determinism.overrides import InstalledOverrides
from samebits.model.operators import OPERATIONS
from samebits.ops import histogram

ROWS = [row for row in OPERATIONS if row.file == "histogram"]


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_launch, "triton_for", lambda tensor: False)
        yield


def drawn(count: int, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 300),
    st.integers(1, 20),
    st.integers(0, 30),
    st.sampled_from([torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]),
    st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64, torch.bool]),
)
def test_bincount_is_torchs_in_any_order(
    count: int, bins: int, least: int, integer: torch.dtype, dtype: torch.dtype
) -> None:
    generator = torch.Generator().manual_seed(count)
    index = torch.randint(bins, (count,), generator=generator).to(integer)
    weights = (drawn(count, bins, torch.float64) * 3).to(dtype)
    found = histogram.bincount(index, weights, least)
    wanted = torch.bincount(index, weights, least)
    assert found.dtype == wanted.dtype
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    order = torch.randperm(count, generator=generator)
    assert torch.equal(histogram.bincount(index[order], weights[order], least), found)


def test_bincount_of_many_is_nearer_than_torchs() -> None:
    index = torch.randint(7, (300_001,), generator=torch.Generator().manual_seed(0))
    weights = drawn(300_001, 1)
    exact = torch.bincount(index, weights.double())
    found, native = histogram.bincount(index, weights), torch.bincount(index, weights)
    assert (found - exact).abs().max() <= (native - exact).abs().max()


def test_bincount_of_what_is_not_finite() -> None:
    index = torch.tensor([0, 0, 1, 1, 2, 3, 3])
    weights = torch.tensor([torch.inf, 1, torch.inf, -torch.inf, torch.nan, 1e-45, 2.0])
    wanted = torch.bincount(index, weights)
    torch.testing.assert_close(histogram.bincount(index, weights), wanted, equal_nan=True, rtol=0, atol=0)


def test_bincount_of_nothing_and_of_strides() -> None:
    empty = histogram.bincount(torch.empty(0, dtype=torch.int32), torch.empty(0), 3)
    wanted = torch.bincount(torch.empty(0, dtype=torch.int32), torch.empty(0), 3)
    assert empty.dtype == wanted.dtype
    assert torch.equal(empty, wanted)
    index, weights = torch.arange(10) % 4, drawn(10, 0)
    found = histogram.bincount(index[::2], weights[1::2])
    torch.testing.assert_close(found, torch.bincount(index[::2], weights[1::2]))


@pytest.mark.parametrize(
    "wrong",
    [
        (torch.tensor([-1, 2]), torch.ones(2)),
        (torch.tensor([1, 2]), torch.ones(3)),
        (torch.tensor([[1, 2]]), torch.ones(1, 2)),
        (torch.tensor([1.0]), torch.ones(1)),
        (torch.tensor([1]), torch.ones(1), -1),
    ],
)
def test_bincounts_errors_are_torchs(wrong: tuple[object, ...]) -> None:
    with pytest.raises((RuntimeError, ValueError)) as native:
        torch.bincount(*wrong)  # type: ignore[call-overload]
    with InstalledOverrides(ROWS), pytest.raises(type(native.value)) as ours:
        torch.bincount(*wrong)  # type: ignore[call-overload]
    assert str(ours.value) == str(native.value)


def test_counts_without_weights_stay_torchs() -> None:
    assert histogram.bincount(torch.tensor([1])) is NotImplemented


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 500),
    st.integers(1, 60),
    st.sampled_from([(0, 0), (-1, 1), (-0.3, 2.7), (1, 1), (0, 1e-3), (-5, -4)]),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_histc_has_torchs_bins(count: int, bins: int, ends: tuple[float, float], dtype: torch.dtype) -> None:
    x = drawn(count, bins, dtype)
    found = histogram.histc(x, bins, *ends)
    wanted = torch.histc(x, bins, *ends)
    assert found.dtype == dtype
    assert torch.equal(found, wanted)
    with InstalledOverrides(ROWS):
        into = torch.empty(0, dtype=dtype)
        torch.histc(x.view(1, -1).t(), bins, *ends, out=into)
    assert torch.equal(into, wanted)


def test_histc_of_edges_and_of_what_is_not_finite() -> None:
    x = torch.tensor([-1, -1.0000001, 1, 1.0000001, torch.nan, torch.inf, -torch.inf, 0.5, 0.5, -0.0, 1e-45])
    assert torch.equal(histogram.histc(x, 4, -1, 1), torch.histc(x, 4, -1, 1))
    edges = torch.linspace(-1, 1, 101)
    assert torch.equal(histogram.histc(edges, 100, -1, 1), torch.histc(edges, 100, -1, 1))


def test_histc_counts_beyond_what_a_float_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 2**24 + 2
    x = torch.zeros(1).expand(count)
    assert histogram.histc(x, 3, -1, 1).tolist() == [0, count, 0]


@pytest.mark.parametrize(
    ("x", "arguments"),
    [
        (torch.ones(3), (0, 0, 1)),
        (torch.ones(3), (3, 2, 1)),
        (torch.ones(3), (3, 0, torch.inf)),
        (torch.tensor([1.0, torch.nan]), (3, 0, 0)),
        (torch.ones(3, dtype=torch.int64), (3, 0, 1)),
    ],
)
def test_histcs_errors_are_torchs(x: Tensor, arguments: tuple[float, ...]) -> None:
    with pytest.raises(RuntimeError) as native:
        torch.histc(x, *arguments)  # type: ignore[arg-type]
    with InstalledOverrides(ROWS), pytest.raises(RuntimeError) as ours:
        torch.histc(x, *arguments)  # type: ignore[arg-type]
    assert str(ours.value) == str(native.value)
