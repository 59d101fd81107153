"""The last write: what a loop leaves, by a maximum as by torch's own CPU kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.ops.primitives import last_write


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_launch, "triton_for", lambda tensor: False)
        yield


def looped(table: Tensor, index: Tensor, source: Tensor) -> Tensor:
    table = table.clone()
    for place, value in zip(index.tolist(), source, strict=True):
        table[place] = value
    return table


@given(st.integers(1, 9), st.lists(st.integers(0, 8), max_size=20))
@settings(max_examples=50)
def test_what_a_loop_leaves(bins: int, drawn: list[int]) -> None:
    index = torch.tensor([place % bins for place in drawn], dtype=torch.int64)
    source = torch.arange(1.0, len(drawn) + 1)
    want = looped(torch.zeros(bins), index, source)
    for write in (last_write.write_, last_write.write_by_maximum_):
        table = torch.zeros(bins)
        if len(index):
            write(table, 0, index, source)
        assert torch.equal(table, want)
    rows, wide = torch.zeros(bins, 3), source[:, None].repeat(1, 3)
    last_write.write_rows_(rows, index, wide)
    assert torch.equal(rows, want[:, None].repeat(1, 3))


def test_the_position_of_the_last() -> None:
    index = torch.tensor([[3, 0, 3, 1, 0], [2, 2, 2, 2, 2]])
    assert last_write.last(index, 4).tolist() == [[2, 4, 2, 3, 4], [4, 4, 4, 4, 4]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.complex64, torch.int8])
@pytest.mark.parametrize(
    ("shape", "dim"), [((300_000,), 0), ((400, 500), 0), ((400, 500), 1), ((30, 40, 50), 1)]
)
def test_torch_walks_a_dimension_in_order_on_a_cpu(
    dtype: torch.dtype, shape: tuple[int, ...], dim: int
) -> None:
    """`write_` relies on it; a release that divides the dimension among threads fails here."""
    generator = torch.Generator().manual_seed(dim)
    index = torch.randint(max(shape[dim] // 50, 1), shape, generator=generator)
    source = torch.randint(-9, 9, shape, generator=generator).to(dtype)
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            results.append(torch.zeros(shape, dtype=dtype))
            last_write.write_(results[-1], dim, index, source)
    finally:
        torch.set_num_threads(threads)
    by_maximum = torch.zeros(shape, dtype=dtype)
    last_write.write_by_maximum_(by_maximum, dim, index, source)
    assert all(torch.equal(result, by_maximum) for result in results)


def test_a_smaller_index_reaches_a_part_of_the_table() -> None:
    table = torch.zeros(3, 4)
    last_write.write_by_maximum_(
        table, 1, torch.tensor([[2, 2], [0, 1]]), torch.tensor([[5.0, 6.0], [7.0, 8.0]])
    )
    assert table.tolist() == [[0, 0, 6, 0], [7, 8, 0, 0], [0, 0, 0, 0]]
