"""Scatter's families through unmodified calls: torch's values, torch's errors, and no order."""

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

ROWS = [row for row in OPERATIONS if row.file == "scatter"]
pytestmark = pytest.mark.filterwarnings("ignore:The reduce argument of torch.scatter")

REDUCTIONS = ["sum", "prod", "mean", "amax", "amin"]
KINDS = [
    torch.float32,
    torch.float64,
    torch.bfloat16,
    torch.float16,
    torch.complex64,
    torch.int64,
    torch.uint8,
]


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_launch, "triton_for", lambda tensor: False)
        yield


def ours(call: Callable[..., Any], *args: Any) -> Any:
    with InstalledOverrides(ROWS, "cpu"):
        return call(*args)


def wide(tensor: Tensor) -> Tensor:
    if tensor.is_complex():
        return tensor.to(torch.complex128)
    return tensor.double() if tensor.is_floating_point() else tensor


def agree(call: Callable[..., Tensor], *args: Tensor) -> None:
    """Ours is as close to the reference as torch's is, up to twice and a last bit."""
    result, native = ours(call, *args), call(*args)
    assert result.dtype == native.dtype
    assert result.shape == native.shape
    if not (native.is_floating_point() or native.is_complex()):
        assert torch.equal(result, native)
    elif native.numel():
        reference = call(*(wide(x) for x in args))
        error, theirs = ((wide(x) - reference).abs().max() for x in (result, native))
        largest = max([1.0, *(float(wide(x).abs().max()) for x in (reference, *args) if x.numel())])
        assert error <= 2 * theirs + 2 * torch.finfo(native.dtype).eps * largest


@st.composite
def cases(draw: st.DrawFn) -> tuple[Tensor, int, Tensor, Tensor]:
    """self, dim, index and src: the index may be smaller than both, and the memory in any order."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    dtype = draw(st.sampled_from(KINDS))
    shape = draw(st.lists(st.integers(1, 7), max_size=3))
    dim = draw(st.integers(-max(len(shape), 1), max(len(shape), 1) - 1))
    extents = [draw(st.integers(1, size)) for size in shape]
    if shape:
        extents[dim] = draw(st.integers(0, 9))

    def made(sizes: list[int]) -> Tensor:
        values = torch.randn(sizes, generator=generator, dtype=torch.float64).mul(3)
        values = values.abs() if dtype == torch.uint8 else values
        if values.dim() > 1 and draw(st.booleans()):
            values = values.transpose(0, 1).contiguous().transpose(0, 1)
        return values.to(dtype)

    index = torch.randint(shape[dim] if shape else 1, extents, generator=generator)
    return made(shape), dim, index, made([size + draw(st.integers(0, 2)) for size in extents])


@given(cases())
@settings(max_examples=50)
def test_values_are_torchs(case: tuple[Tensor, int, Tensor, Tensor]) -> None:
    table, dim, index, src = case
    agree(lambda t, s: t.scatter(dim, index, s), table, src)
    agree(lambda t, s: t.scatter_add(dim, index, s), table, src)
    agree(lambda t: t.scatter(dim, index, 2), table)
    for reduce in ("add", "multiply"):
        agree(lambda t, s, r=reduce: t.scatter(dim, index, s, reduce=r), table, src)
        agree(lambda t, r=reduce: t.scatter(dim, index, 2, reduce=r), table)
    if not table.is_complex():
        for reduce in REDUCTIONS:
            for whole in (True, False):
                agree(
                    lambda t, s, r=reduce, w=whole: t.scatter_reduce(dim, index, s, r, include_self=w),
                    table,
                    src,
                )


@pytest.mark.parametrize("reduce", [reduce for reduce in REDUCTIONS if reduce != "prod"])  # has the index's
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("dim", [0, 1])
def test_no_order_shows(reduce: str, dtype: torch.dtype, dim: int) -> None:
    generator = torch.Generator().manual_seed(8)
    src = torch.randn(90, 80, generator=generator, dtype=torch.float64).to(dtype)
    src[src.abs() < 0.1] *= 0.0  # zeros of both signs
    table = torch.full((90, 80), -0.0, dtype=dtype)
    index = torch.randint(9, (90, 80), generator=generator)
    order = torch.randperm(src.shape[dim], generator=generator)
    for whole in (True, False):
        one = ours(lambda w=whole: table.scatter_reduce(dim, index, src, reduce, include_self=w))
        places, values = index.index_select(dim, order), src.index_select(dim, order)
        other = ours(
            lambda w=whole, p=places, v=values: table.scatter_reduce(dim, p, v, reduce, include_self=w)
        )
        assert torch.equal(one, other)
        assert torch.equal(one.signbit(), other.signbit())


@pytest.mark.parametrize("reduce", REDUCTIONS)
def test_in_place_and_out_give_the_same(reduce: str) -> None:
    table, src = torch.arange(6.0).view(2, 3) + 1, torch.arange(12.0).view(4, 3) - 5
    index = torch.tensor([[0, 1, 1], [1, 1, 0], [0, 0, 0], [1, 0, 1]])
    want = ours(lambda: table.scatter_reduce(0, index, src, reduce))
    changed, into = table.clone(), torch.empty(0)
    with InstalledOverrides(ROWS, "cpu"):
        assert changed.scatter_reduce_(0, index, src, reduce) is changed
        torch.scatter_reduce(table, 0, index, src, reduce, out=into)
    assert torch.equal(changed, want)
    assert torch.equal(into, want)


@pytest.mark.parametrize("reduce", ["amax", "amin"])
def test_extremes_know_nan_and_keep_what_nothing_reaches(reduce: str) -> None:
    table = torch.tensor([1.0, -0.0, 3.0, torch.nan])
    index, src = torch.tensor([0, 0, 2, 2, 3]), torch.tensor([torch.nan, 1.0, torch.inf, -torch.inf, 0.0])
    for whole in (True, False):
        result = ours(lambda w=whole: table.scatter_reduce(0, index, src, reduce, include_self=w))
        assert result[0].isnan()
        assert result[1] == 0
        assert result[1].signbit()
        assert result[2] == (torch.inf if reduce == "amax" else -torch.inf)
        assert bool(result[3].isnan()) is whole


BAD: dict[str, Callable[[Tensor, Tensor, Tensor], Any]] = {
    "index too large": lambda t, i, s: t.scatter_add(0, i + 9, s),
    "index negative": lambda t, i, s: t.scatter_reduce(0, i - 1, s, "sum"),
    "other dtype": lambda t, i, s: t.scatter_add(0, i, s.double()),
    "index of floats": lambda t, i, s: t.scatter_add(0, i.float(), s),
    "too few dimensions": lambda t, i, s: t.scatter_add(0, i[0], s),
    "src too small": lambda t, i, s: t.scatter_add(0, i, s[:1]),
    "index too wide": lambda t, i, s: t.scatter_add(0, i.repeat(1, 2), s.repeat(1, 2)),
    "no such dimension": lambda t, i, s: t.scatter_add(2, i, s),
    "no such reduction": lambda t, i, s: t.scatter_reduce(0, i, s, "median"),
    "no such old reduction": lambda t, i, s: t.scatter(0, i, s, reduce="sum"),
    "overlapping": lambda t, i, s: t.scatter_add_(0, i, t),
    "expanded": lambda t, i, s: t[:1].expand(3, 2).scatter_add_(0, i, s),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_errors_are_torchs(name: str) -> None:
    args = (torch.zeros(3, 2), torch.tensor([[0, 1], [2, 0], [1, 1]]), torch.ones(3, 2))
    with pytest.raises(Exception) as theirs:
        BAD[name](*args)
    with pytest.raises(type(theirs.value)) as mine:
        ours(BAD[name], *args)
    assert str(mine.value) == str(theirs.value)
