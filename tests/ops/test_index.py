"""Rows and elements by index, through unmodified calls: torch's values, torch's errors, and no order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.determinism.overrides import InstalledOverrides
from samebits.model.operators import OPERATIONS

ROWS = [row for row in OPERATIONS if row.file in ("index", "scatter")]
pytestmark = pytest.mark.filterwarnings(r"ignore:index_reduce\(\) is in beta")

REDUCTIONS = ["prod", "mean", "amax", "amin"]
KINDS = [torch.float32, torch.float64, torch.bfloat16, torch.complex64, torch.int64, torch.bool]


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_launch, "triton_for", lambda tensor: False)
        yield


def ours(call: Callable[..., Any], *args: Any) -> Any:
    with InstalledOverrides(ROWS, "cpu"):
        return call(*args)


def agree(call: Callable[..., Tensor], *args: Tensor) -> None:
    result, native = ours(call, *args), call(*args)
    assert result.dtype == native.dtype
    exact = not (native.is_floating_point() or native.is_complex())
    eps = 0 if exact else 16 * torch.finfo(native.dtype).eps
    torch.testing.assert_close(result, native, rtol=eps, atol=eps, equal_nan=True)


class Drawn:
    """Data of one seed."""

    def __init__(self, seed: int, dtype: torch.dtype = torch.float32) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.dtype = dtype

    def values(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, dtype=torch.float64).to(self.dtype)

    def index(self, size: int, *shape: int) -> Tensor:
        """Some count from the end."""
        return torch.randint(-size, size, shape, generator=self.generator)


INDICES: dict[str, Callable[[Drawn], tuple[Tensor | None, ...]]] = {
    "rows": lambda d: (d.index(5, 30),),
    "rows, two-dimensional": lambda d: (d.index(5, 6, 5),),
    "columns": lambda d: (None, d.index(4, 30)),
    "last": lambda d: (None, None, d.index(3, 30)),
    "two neighbours": lambda d: (d.index(5, 30), d.index(4, 30)),
    "two neighbours, later": lambda d: (None, d.index(4, 30), d.index(3, 30)),
    "two, apart": lambda d: (d.index(5, 30), None, d.index(3, 30)),
    "two, broadcast": lambda d: (d.index(5, 6, 1), d.index(4, 1, 5)),
    "all": lambda d: (d.index(5, 60), d.index(4, 60), d.index(3, 60)),
    "a mask": lambda d: (d.values(5).real > 0,),
    "a mask of two dimensions": lambda d: (d.values(5, 4).real > 0,),
    "a mask and an index": lambda d: (torch.tensor([True, False, True, True, False]), d.index(4, 3)),
    "an index and a mask": lambda d: (d.index(5, 1), torch.tensor([True, False, True, True])),
    "32 bits": lambda d: (d.index(5, 30).int(),),
    "none at all": lambda d: (torch.zeros(0, dtype=torch.int64),),
}


@pytest.mark.parametrize("name", sorted(INDICES))
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("accumulate", [True, False])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_index_put(name: str, dtype: torch.dtype, accumulate: bool, order: tuple[int, ...]) -> None:
    drawn = Drawn(3, dtype)
    table = (
        drawn.values(*(5, 4, 3)).permute(order).contiguous().permute(*torch.tensor(order).argsort().tolist())
    )
    indices = INDICES[name](drawn)
    shape = table[tuple(slice(None) if index is None else index for index in indices)].shape
    for values in (drawn.values(*shape), drawn.values(*shape[-1:]), drawn.values()):
        agree(lambda t, v: torch.ops.aten.index_put(t, indices, v, accumulate), table, values)


@pytest.mark.parametrize(("bins", "rows"), [(20, 30_000), (50_000, 700)])
def test_many_rows_of_a_table_and_few(bins: int, rows: int) -> None:
    drawn = Drawn(4, torch.float64)
    table, values, index = drawn.values(bins, 9), drawn.values(rows, 9), drawn.index(bins // 3, rows)
    added, native = (
        ours(lambda: table.index_put((index,), values, True)),
        table.index_put((index,), values, True),
    )
    torch.testing.assert_close(added, native, rtol=0, atol=1e-11)
    written = ours(lambda: table.index_put((index,), values))
    for place, value in zip(index.tolist(), values, strict=True):
        table[place] = value
    assert torch.equal(written, table)


@given(
    st.integers(0, 99), st.sampled_from(KINDS), st.lists(st.integers(1, 6), max_size=3), st.integers(1, 12)
)
@settings(max_examples=40)
def test_rows_added_and_reduced(seed: int, dtype: torch.dtype, shape: list[int], count: int) -> None:
    drawn = Drawn(seed, dtype)
    table = drawn.values(*shape)
    for dim in range(-max(len(shape), 1), max(len(shape), 1)):
        size = shape[dim] if shape else 1
        index = drawn.index(size, count if shape else 1).abs() % size
        extents = list(shape)
        if shape:
            extents[dim] = count
        source = drawn.values(*extents)
        agree(lambda t, s, d=dim, i=index: t.index_add(d, i, s), table, source)
        agree(
            lambda t, s, d=dim, i=index: t.index_add(d, i.int(), s, alpha=1 if s.dtype == torch.bool else 3),
            table,
            source,
        )
        if not dtype.is_complex and dtype != torch.bool and not (dtype == torch.bfloat16 and table.dim() > 1):
            for reduce in REDUCTIONS:
                for whole in (True, False):
                    agree(
                        lambda t, s, d=dim, i=index, r=reduce, w=whole: t.index_reduce(
                            d, i, s, r, include_self=w
                        ),
                        table,
                        source,
                    )


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("accumulate", [True, False])
def test_put(dtype: torch.dtype, accumulate: bool) -> None:
    drawn = Drawn(6, dtype)
    index, source = drawn.index(20, 3, 30), drawn.values(3, 30)
    for table in (drawn.values(4, 5), drawn.values(5, 4).t(), drawn.values(4, 10)[:, ::2]):
        agree(lambda t, s: t.put(index, s, accumulate), table, source)


CALLS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "index_add": lambda t, i, s: t.index_add(0, i, s),
    "index_put": lambda t, i, s: t.index_put((i,), s, accumulate=True),
    "put": lambda t, i, s: t.put(i, s[:, 0], accumulate=True),
    **{reduce: lambda t, i, s, r=reduce: t.index_reduce(0, i, s, r) for reduce in REDUCTIONS},  # type: ignore[misc]
}


@pytest.mark.parametrize("name", sorted(set(CALLS) - {"prod"}))  # a product has the index's order
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.complex64])
def test_no_order_shows(name: str, dtype: torch.dtype) -> None:
    if dtype.is_complex and name in REDUCTIONS:
        pytest.skip("torch reduces no complex numbers")
    drawn = Drawn(7, dtype)
    table, index, source = drawn.values(12, 3), drawn.index(12, 2000).abs() % 12, drawn.values(2000, 3)
    order = torch.randperm(2000, generator=drawn.generator)
    assert torch.equal(
        ours(CALLS[name], table, index, source), ours(CALLS[name], table, index[order], source[order])
    )


def test_nothing_raises_under_torchs_switch() -> None:
    """`put_` without accumulation raises there, on a CPU too."""
    drawn = Drawn(8)
    index, source = drawn.index(9, 50), drawn.values(50)
    torch.use_deterministic_algorithms(True)
    try:
        result = ours(lambda: torch.zeros(9).put_(index, source))
        with pytest.raises(IndexError, match=r"tried to access index 9 on a tensor of 9 elements\."):
            ours(lambda: torch.zeros(9).put_(index.new_tensor([9]), source[:1]))
    finally:
        torch.use_deterministic_algorithms(False)
    want = torch.zeros(9)
    for place, value in zip(index.tolist(), source, strict=True):
        want[place] = value
    assert torch.equal(result, want)


BAD: dict[str, Callable[[Tensor, Tensor, Tensor], Any]] = {
    "index too large": lambda t, i, s: t.index_put((i + 9,), s, accumulate=True),
    "index too small": lambda t, i, s: t.index_put((i - 9,), s),
    "shapes that do not broadcast": lambda t, i, s: t.index_put((i, i[:2]), s),
    "values too wide": lambda t, i, s: t.index_put((i,), s.repeat(1, 2), accumulate=True),
    "values of another dtype": lambda t, i, s: t.index_put((i,), s.double(), accumulate=True),
    "too many indices": lambda t, i, s: t.index_put((i, i, i), s),
    "a mask of another shape": lambda t, i, s: t.index_put((torch.ones(7, dtype=torch.bool),), s),
    "added, index too large": lambda t, i, s: t.index_add(0, i + 9, s),
    "added, index negative": lambda t, i, s: t.index_add(0, i - 1, s),
    "added, too many rows": lambda t, i, s: t.index_add(0, i, s[:2]),
    "added, a table of an index": lambda t, i, s: t.index_add(0, i[None], s),
    "added, another dtype": lambda t, i, s: t.index_add(0, i, s.double()),
    "reduced, unknown": lambda t, i, s: t.index_reduce(0, i, s, "sum"),
    "reduced, index too large": lambda t, i, s: t.index_reduce(0, i + 9, s, "prod"),
    "put, index too large": lambda t, i, s: t.put(i + 9, s[:, 0]),
    "put, index too small": lambda t, i, s: t.put(i - 19, s[:, 0]),
    "put, another dtype": lambda t, i, s: t.put(i, s[:, 0].double()),
    "put, too few": lambda t, i, s: t.put(i, s[:2, 0]),
    "overlapping": lambda t, i, s: t.index_add_(0, i, t),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_errors_are_torchs(name: str) -> None:
    args = (torch.zeros(3, 2), torch.tensor([0, 2, 2]), torch.ones(3, 2))
    with pytest.raises(Exception) as theirs:
        BAD[name](*args)
    with pytest.raises(type(theirs.value)) as mine:
        ours(BAD[name], *args)
    assert str(mine.value) == str(theirs.value)
