"""Backward of reflection and replication padding: every dimension, cropping, wide edges, layouts, errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.determinism.overrides import InstalledOverrides
from samebits.model.operators import OPERATIONS
from samebits.ops import pad

ROWS = [row for row in OPERATIONS if row.file == "pad"]
KINDS = [("reflection", 1), ("reflection", 3), ("replication", 1), ("replication", 2), ("replication", 3)]
EVERY = pytest.mark.parametrize(("kind", "dims"), KINDS)

aten = torch.ops.aten


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_launch, "triton_for", lambda tensor: False)
        yield


def torchs(kind: str, dims: int) -> Any:
    return getattr(aten, f"{kind}_pad{dims}d_backward")


def ours(kind: str, dims: int) -> Any:
    return getattr(pad, f"{kind}_pad{dims}d_backward")


def gradient(x: Tensor, padding: Sequence[int], seed: int = 0) -> Tensor:
    shape = list(x.shape)
    for number in range(len(padding) // 2):
        shape[-1 - number] += padding[2 * number] + padding[2 * number + 1]
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(x.dtype)


@st.composite
def tasks(draw: st.DrawFn) -> tuple[str, int, tuple[int, ...], list[int]]:
    kind, dims = draw(st.sampled_from(KINDS))
    lead = draw(st.sampled_from([(1,), (3,), (2, 1), (0, 2), (5, 3)]))
    sizes = [draw(st.integers(1, 7)) for _ in range(dims)]
    padding = []
    for size in reversed(sizes):
        most = size - 1 if kind == "reflection" else 6
        left, right = draw(st.integers(-2, most)), draw(st.integers(-2, most))
        padding += [left, right] if left + right + size > 0 else [0, 0]
    return kind, dims, (*lead, *sizes), padding


@settings(max_examples=60, deadline=None)
@given(tasks(), st.booleans())
def test_the_gradient_is_that_of_torch(
    task: tuple[str, int, tuple[int, ...], list[int]], strided: bool
) -> None:
    kind, dims, shape, padding = task
    x = torch.empty(shape, dtype=torch.float64)
    grad = gradient(x, padding)
    if strided:
        grad = grad.repeat_interleave(2, -1)[..., ::2]
    wanted = torchs(kind, dims)(grad, x, padding)
    found = ours(kind, dims)(grad, x, padding)
    torch.testing.assert_close(found, wanted, rtol=1e-13, atol=1e-13)
    assert found.stride() == wanted.stride()


@settings(max_examples=30, deadline=None)
@given(tasks())
def test_slices_and_taps_add_in_the_same_order(task: tuple[str, int, tuple[int, ...], list[int]]) -> None:
    kind, dims, shape, padding = task
    x = torch.empty(shape)
    grad = gradient(x, padding)
    plain = ours(kind, dims)(grad, x, padding)
    source = pad._reflected if kind == "reflection" else pad._replicated
    maps = [
        pad._maps(source, x.shape[-1 - number], *padding[2 * number : 2 * number + 2])
        for number in reversed(range(dims))
    ]
    flat = grad.reshape(-1, *grad.shape[-dims:], 1)
    if flat.numel():
        assert torch.equal(pad._gathered(flat, maps).view(x.shape), plain)


@pytest.mark.parametrize("padding", [[31, 31], [32, 0], [0, 33], [70, 1300], [1100, 32]])
@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_wide_edge_is_summed_in_groups(padding: list[int], length: int) -> None:
    x = torch.empty((2, length))
    grad = gradient(x, padding)
    found = pad.replication_pad1d_backward(grad, x, padding).double()
    exact = aten.replication_pad1d_backward(grad.double(), x.double(), padding)
    native = aten.replication_pad1d_backward(grad, x, padding).double()
    error, allowed = (found - exact).abs().max(), (native - exact).abs().max()
    assert error <= 2 * allowed + exact.abs().max() * 2.0**-23


@EVERY
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.complex64, torch.complex128])
def test_types(kind: str, dims: int, dtype: torch.dtype) -> None:
    x = torch.empty((2, 3, *(4, 5, 6)[:dims]), dtype=dtype)
    padding = [2, 1] * dims
    grad = gradient(x, padding)
    if dtype.is_complex:
        grad = torch.complex(grad.real, gradient(x.real, padding, 1)).conj()
    wide = torch.complex128 if dtype.is_complex else torch.float64
    exact = torchs(kind, dims)(grad.to(wide), x.to(wide), padding)
    found = ours(kind, dims)(grad, x, padding)
    assert found.dtype == dtype
    part = torch.float64 if dtype == torch.complex128 else dtype
    part = torch.float32 if dtype == torch.complex64 else part
    torch.testing.assert_close(
        found.to(wide), exact, rtol=2 * torch.finfo(part).eps, atol=4 * torch.finfo(part).eps
    )


@pytest.mark.parametrize(("kind", "dims"), [("reflection", 3), ("replication", 2), ("replication", 3)])
@pytest.mark.parametrize("other", [False, True])
def test_channels_last_stays(kind: str, dims: int, other: bool) -> None:
    layout = torch.channels_last if dims == 2 else torch.channels_last_3d
    x = torch.empty((2, 3, *(4, 5, 6)[:dims])).contiguous(memory_format=layout)
    padding = [2, 1] * dims
    grad = gradient(x, padding)
    grad = grad if other else grad.contiguous(memory_format=layout)
    found = ours(kind, dims)(grad, x, padding)
    assert found.stride() == torchs(kind, dims)(grad, x, padding).stride()
    assert torch.equal(found, ours(kind, dims)(grad.contiguous(), x.contiguous(), padding))


@EVERY
def test_an_infinite_gradient_stays_where_it_belongs(kind: str, dims: int) -> None:
    x = torch.empty((1, 1, *(4, 5, 6)[:dims]))
    grad = gradient(x, [1, 2] * dims)
    grad.view(-1)[grad.numel() // 2] = torch.inf
    grad.view(-1)[0] = torch.nan
    wanted = torchs(kind, dims)(grad, x, [1, 2] * dims)
    torch.testing.assert_close(ours(kind, dims)(grad, x, [1, 2] * dims), wanted, equal_nan=True)


@EVERY
def test_wrong_arguments_are_left_to_torch(kind: str, dims: int) -> None:
    x = torch.empty((2, 3, *(4, 5, 6)[:dims]))
    grad = gradient(x, [1, 2] * dims)
    for wrong in (
        (grad, x, [1, 1] * dims),
        (grad[..., 1:], x, [1, 2] * dims),
        (grad, x[..., :0], [1, 2] * dims),
    ):
        with pytest.raises((RuntimeError, IndexError)) as native:
            torchs(kind, dims)(*wrong)
        with InstalledOverrides(ROWS), pytest.raises(type(native.value)) as found:
            torchs(kind, dims)(*wrong)
        assert str(found.value) == str(native.value)


@EVERY
def test_out_and_derivatives_through_torch(kind: str, dims: int) -> None:
    mode = "reflect" if kind == "reflection" else "replicate"
    padding = [1, 2] * dims
    x = gradient(torch.empty((1, 2, *(3, 4, 3)[:dims]), dtype=torch.float64), [0, 0]).requires_grad_()

    def call(x: Tensor) -> Tensor:
        return torch.nn.functional.pad(x, padding, mode)

    with InstalledOverrides(ROWS), torch.random.fork_rng():
        assert torch.autograd.gradcheck(call, (x,), fast_mode=True)
        assert torch.autograd.gradgradcheck(call, (x,), fast_mode=True)
        grad = gradient(x, padding)
        into = torch.empty(0, dtype=torch.float64)
        torchs(kind, dims).grad_input(grad, x.detach(), padding, grad_input=into)
    assert torch.equal(into, ours(kind, dims)(grad, x.detach(), padding))
