"""Medians with indices: torch's values, and the first of several equal elements."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits.determinism.overrides import InstalledOverrides
from samebits.model.operators import OPERATIONS
from samebits.ops import select

ROWS = [row for row in OPERATIONS if row.file == "select"]
EITHER = pytest.mark.parametrize("name", ["median", "nanmedian"])

REAL = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.uint8, torch.int32, torch.int64]


def some(shape: tuple[int, ...], dtype: torch.dtype, distinct: int, seed: int, nans: float = 0.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(distinct, shape, generator=generator).to(dtype)
    if dtype.is_floating_point and nans:
        x[torch.rand(shape, generator=generator) < nans] = torch.nan
    return x


def first(x: Tensor, value: Tensor) -> int:
    """Where the first element equals `value`, one by one."""
    return next(at for at, y in enumerate(x.tolist()) if y == value.item() or (y != y and value.isnan()))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=3),
    st.sampled_from(REAL),
    st.sampled_from([1, 3, 1000]),
    st.sampled_from([0.0, 0.2, 1.0]),
    st.booleans(),
    st.sampled_from(["median", "nanmedian"]),
    st.data(),
)
def test_values_are_torchs_and_indices_the_first(
    shape: list[int],
    dtype: torch.dtype,
    distinct: int,
    nans: float,
    keepdim: bool,
    name: str,
    data: st.DataObject,
) -> None:
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = some(tuple(shape), dtype, distinct, 3, nans)
    wanted = getattr(torch, name)(x, dim, keepdim)
    with InstalledOverrides(ROWS):
        found = getattr(torch, name)(x, dim, keepdim)
    torch.testing.assert_close(found.values, wanted.values, equal_nan=True, rtol=0, atol=0)
    middle = select._middle(x, dim, name == "nanmedian")
    middle = middle if keepdim else middle.squeeze(dim)
    torch.testing.assert_close(middle, wanted.values, equal_nan=True, rtol=0, atol=0)
    rows = x.movedim(dim, -1).reshape(-1, x.shape[dim])
    places = [first(row, value) for row, value in zip(rows, wanted.values.reshape(-1), strict=True)]
    assert found.indices.dtype == torch.int64
    assert found.indices.shape == wanted.indices.shape
    assert found.indices.flatten().tolist() == places


@EITHER
def test_the_index_leads_to_the_value_and_its_sign(name: str) -> None:
    x = torch.tensor([[0.0, -0.0, 0.0], [-0.0, 0.0, 0.0]])
    with InstalledOverrides(ROWS):
        values, indices = getattr(torch, name)(x, 1)
    assert indices.tolist() == [0, 0]
    assert torch.signbit(values).tolist() == [False, True]


@EITHER
def test_infinities_and_strides(name: str) -> None:
    x = some((5, 14), torch.float32, 4, 0)
    x[0, :9], x[1, :9], x[2, 3] = torch.inf, -torch.inf, torch.nan
    for strided in (x[:, ::2], x.t()[1::3], x.expand(3, 5, 14)):
        wanted = getattr(torch, name)(strided.contiguous(), -1)
        with InstalledOverrides(ROWS):
            found = getattr(torch, name)(strided, -1)
        torch.testing.assert_close(found.values, wanted.values, equal_nan=True, rtol=0, atol=0)


@EITHER
def test_given_tensors_are_filled(name: str) -> None:
    x = some((4, 7), torch.float32, 3, 0)
    values, indices = torch.empty(0), torch.empty(0, dtype=torch.int64)
    with InstalledOverrides(ROWS):
        wanted = getattr(torch, name)(x, 1)
        found = getattr(torch, name)(x, 1, out=(values, indices))
        turned = torch.empty(2, 7).t()[:, 0].new_empty((8,))[::2], torch.empty(8, dtype=torch.int64)[::2]
        getattr(torch, name)(x, 1, out=turned)
    assert found.values is values
    assert found.indices is indices
    for into in ((values, indices), turned):
        assert torch.equal(into[0], wanted.values)
        assert torch.equal(into[1], wanted.indices)


@EITHER
@pytest.mark.parametrize(("shape", "dim"), [((), 0), ((3, 0), 0), ((0, 3), 1)])
def test_a_scalar_and_nothing(name: str, shape: tuple[int, ...], dim: int) -> None:
    x = torch.zeros(shape)
    wanted = getattr(torch, name)(x, dim)
    with InstalledOverrides(ROWS):
        found = getattr(torch, name)(x, dim)
    assert torch.equal(found.values, wanted.values)
    assert torch.equal(found.indices, wanted.indices)


@EITHER
@pytest.mark.parametrize(
    ("x", "dim"),
    [
        (torch.zeros(0, 3), 0),
        (torch.zeros(3), 1),
        (torch.zeros(3, dtype=torch.bool), 0),
        (torch.zeros(3, dtype=torch.complex64), 0),
    ],
)
def test_errors_are_torchs(name: str, x: Tensor, dim: int) -> None:
    with pytest.raises((RuntimeError, IndexError)) as native:
        getattr(torch, name)(x, dim)
    with InstalledOverrides(ROWS), pytest.raises(type(native.value)) as ours:
        getattr(torch, name)(x, dim)
    assert str(ours.value) == str(native.value)


@EITHER
def test_wrong_outputs_are_left_to_torch(name: str) -> None:
    x = torch.zeros(2, 3)
    for wrong in (
        (torch.empty(0, dtype=torch.float64), torch.empty(0, dtype=torch.int64)),
        (torch.empty(0), torch.empty(0, dtype=torch.int32)),
    ):
        assert not select._answerable(x, 1, *wrong)
        with InstalledOverrides(ROWS), pytest.raises(RuntimeError):
            getattr(torch, name)(x, 1, out=wrong)
    assert not select._answerable(x, 2, torch.empty(0), torch.empty(0, dtype=torch.int64))


@EITHER
def test_the_gradient_goes_to_the_first(name: str) -> None:
    x = torch.tensor([[2.0, 1.0, 1.0, 1.0, 3.0]], dtype=torch.float64, requires_grad=True)
    with InstalledOverrides(ROWS):
        getattr(torch, name)(x, 1).values.backward(torch.ones(1, dtype=torch.float64))
    assert x.grad is not None
    assert x.grad.tolist() == [[0, 1, 0, 0, 0]]
