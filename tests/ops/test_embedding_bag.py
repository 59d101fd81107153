"""The backward of `embedding_bag(mode="max")`: right at every edge, the same in every order of the bags."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.determinism.overrides import InstalledOverrides
from samebits.ops import OPERATIONS, embedding_bag

ROWS = [row for row in OPERATIONS if row.file == "embedding_bag"]
TYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_launch, "triton_for", lambda _: False)


def _normal(seed: int, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=draw, dtype=torch.float64).to(dtype)


def _index(seed: int, bins: int, *shape: int) -> Tensor:
    return torch.randint(bins, shape, generator=torch.Generator().manual_seed(seed))


def _gradient(
    table: Tensor, index: Tensor, offsets: Tensor | None, upstream: Tensor, **options: Any
) -> Tensor:
    leaf = table.clone().requires_grad_()
    bags = F.embedding_bag(index, leaf, offsets, **{"mode": "max", **options})
    (gradient,) = torch.autograd.grad(bags, leaf, upstream.to(bags.dtype))
    return gradient


def _summed(table: Tensor, index: Tensor, offsets: Tensor, upstream: Tensor, padding: int | None) -> Tensor:
    """The gradient in float64, a bag and a feature at a time; the first of equal rows wins."""
    result = torch.zeros(table.shape, dtype=torch.float64)
    ends = [*offsets.tolist()[1:], index.numel()]
    for bag, (start, end) in enumerate(zip(offsets.tolist(), ends, strict=True)):
        rows = [row for row in index[start:end].tolist() if row != padding]
        for feature in range(table.size(1)) if rows else ():
            won = max(rows, key=lambda row: table[row, feature].item())
            result[won, feature] += upstream[bag, feature].item()
    return result


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**20),
    count=st.sampled_from([1, 2, 7, 60]),
    rows=st.sampled_from([1, 3, 13, 200]),
    features=st.sampled_from([1, 2, 5]),
    bags=st.sampled_from([1, 2, 11]),
    padded=st.booleans(),
    dtype=st.sampled_from(TYPES),
)
def test_any_bags(
    seed: int, count: int, rows: int, features: int, bags: int, padded: bool, dtype: torch.dtype
) -> None:
    table, index = _normal(seed, rows, features, dtype=dtype), _index(seed, rows, count)
    offsets = _index(seed + 1, count + 1, bags).sort().values
    offsets[0] = 0
    upstream = _normal(seed + 2, bags, features, dtype=dtype)
    padding = int(index[0]) if padded else None
    with InstalledOverrides(ROWS, "cpu"):
        ours = _gradient(table, index, offsets, upstream, padding_idx=padding)
    expected = _summed(table, index, offsets, upstream, padding)
    # A sum in a wider type that is rounded once.
    scale = upstream.double().abs().sum().item()
    off = (ours.double() - expected).abs()
    assert (off <= expected.abs() * torch.finfo(dtype).eps + scale * 2.0**-48).all()
    assert ours.dtype == dtype


@pytest.mark.parametrize("rows", [10, 1000], ids=["few rows", "many rows"])
def test_the_order_of_the_bags_does_not_matter(rows: int) -> None:
    table, index = _normal(0, rows, 8), _index(1, min(rows, 12), 200, 3)
    upstream = _normal(2, 200, 8) * 10.0 ** _index(3, 12, 200, 1)
    with InstalledOverrides(ROWS, "cpu"):
        first = _gradient(table, index, None, upstream)
        for seed in range(5):
            order = torch.randperm(200, generator=torch.Generator().manual_seed(seed))
            assert torch.equal(_gradient(table, index[order], None, upstream[order]), first)


def test_a_larger_table_gives_the_same_bits() -> None:
    """Above as many rows as indices the bins are the batch's rows, below the table's."""
    index, upstream = _index(1, 12, 50, 3), _normal(2, 50, 8)
    small = _normal(0, 12, 8)
    large = torch.cat([small, torch.zeros(1000, 8)])
    with InstalledOverrides(ROWS, "cpu"):
        found = _gradient(large, index, None, upstream)
        assert torch.equal(found[:12], _gradient(small, index, None, upstream))
    assert found[12:].count_nonzero() == 0


@pytest.mark.parametrize("rows", [6, 400])
@pytest.mark.parametrize("value", [torch.inf, -torch.inf, torch.nan])
def test_infinities_and_nan(rows: int, value: float) -> None:
    table, index = _normal(4, rows, 3), _index(5, 6, 40, 2)
    upstream = _normal(6, 40, 3)
    upstream[7, 1] = value
    with InstalledOverrides(ROWS, "cpu"):
        ours = _gradient(table, index, None, upstream)
    native = _gradient(table, index, None, upstream)
    assert torch.equal(ours.isfinite(), native.isfinite())
    torch.testing.assert_close(ours, native, equal_nan=True)
    assert not ours.isfinite().all()


@pytest.mark.parametrize("rows", [6, 400])
def test_the_gradient_of_an_empty_bag_goes_nowhere(rows: int) -> None:
    table, index = _normal(7, rows, 3), torch.tensor([5, 4, 4, 5])
    offsets, upstream = torch.tensor([0, 0, 2, 4]), _normal(8, 4, 3)
    upstream[[0, 3]] = torch.nan
    with InstalledOverrides(ROWS, "cpu"):
        ours = _gradient(table, index, offsets, upstream)
    assert torch.equal(ours, _gradient(table, index, offsets, upstream))
    assert ours.isfinite().all()


@pytest.mark.parametrize("rows", [6, 400])
def test_empty_bags_as_the_cuda_kernel_marks_them(rows: int) -> None:
    """There the winner of an empty bag is -1, and the sizes of bags have one for the last offset."""
    table, index = _normal(7, rows, 3), torch.tensor([5, 4, 4, 5])
    offsets, upstream = torch.tensor([0, 0, 2, 4]), _normal(8, 4, 3)
    _, bags, sizes, won = torch.ops.aten._embedding_bag(table, index, offsets, False, 2)
    arguments: list[Any] = [upstream, index, bags, sizes, won, rows, False, 2, None]
    expected = embedding_bag._embedding_bag_dense_backward(*arguments)
    arguments[3] = torch.cat([sizes, torch.zeros(1, dtype=sizes.dtype)])
    arguments[4] = won.masked_fill((sizes == 0).unsqueeze(1), -1)
    assert torch.equal(embedding_bag._embedding_bag_dense_backward(*arguments), expected)


@pytest.mark.parametrize("rows", [6, 400])
def test_other_ways_to_say_the_same(rows: int) -> None:
    table, index = _normal(9, rows, 3), _index(10, 6, 12)
    offsets, upstream = torch.tensor([0, 3, 3, 8]), _normal(11, 4, 3)
    with InstalledOverrides(ROWS, "cpu"):
        expected = _gradient(table, index, offsets, upstream)
        assert torch.equal(_gradient(table, index.int(), offsets.int(), upstream), expected)
        ends = torch.cat([offsets, torch.tensor([12])])
        assert torch.equal(_gradient(table, index, ends, upstream, include_last_offset=True), expected)
        strided = upstream.t().contiguous().t()
        assert torch.equal(_gradient(table, index, offsets, strided), expected)
        spread = upstream[:1].expand(4, 3)
        assert torch.equal(
            _gradient(table, index, offsets, spread), _gradient(table, index, offsets, spread.contiguous())
        )


def test_other_modes_are_left_to_torch() -> None:
    none = torch.zeros(0)
    for mode in (0, 1):
        arguments: list[Any] = [torch.ones(1, 2), torch.zeros(1), none, none, none, 3, False, mode, None]
        assert embedding_bag._embedding_bag_dense_backward(*arguments) is NotImplemented


@pytest.mark.parametrize("shape", [(0, 2), (2, 0)], ids=["no indices", "no features"])
def test_nothing_to_add(shape: tuple[int, int]) -> None:
    count, features = shape
    table, index = torch.zeros(4, features), torch.zeros(count, dtype=torch.int64)
    offsets = torch.tensor([0, 0])
    with InstalledOverrides(ROWS, "cpu"):
        ours = _gradient(table, index, offsets, torch.ones(2, features))
    assert torch.equal(ours, torch.zeros(4, features))
