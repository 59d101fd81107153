"""Backward of pooling over windows: PyTorch's own sums in its own formats, and windows that miss nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.determinism.overrides import InstalledOverrides
from samebits.model.operators import OPERATIONS
from samebits.ops import pool
from samebits.ops.primitives import windows

ROWS = [row for row in OPERATIONS if row.file == "pool"]
CL3 = torch.channels_last_3d

aten = torch.ops.aten


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_launch, "triton_for", lambda tensor: False)
        yield


def drawn(shape: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
    """Few different values: windows have ties, and neighbours often choose one input together."""
    return torch.randint(-4, 5, tuple(shape), generator=torch.Generator().manual_seed(0)).to(dtype)


def gradient(y: Tensor) -> Tensor:
    grad = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return torch.empty_like(y).copy_(grad)


@st.composite
def geometries(draw: st.DrawFn, dilated: bool = True) -> tuple[list[int], list[Any]]:
    """A shape, and kernel, stride, padding, dilation, ceil_mode with which it has outputs."""
    lead = draw(st.sampled_from([[2], [1, 1], [2, 3], [1, 5]]))
    lengths = [draw(st.sampled_from([1, 2, 3, 5, 8, 11])) for _ in range(3)]
    kernel = [draw(st.integers(1, 4)) for _ in range(3)]
    stride = [draw(st.integers(1, 4)) for _ in range(3)]
    padding = [draw(st.integers(0, k // 2)) for k in kernel]
    dilation = [draw(st.integers(1, 2)) if dilated else 1 for _ in range(3)]
    for n, k, p, d in zip(lengths, kernel, padding, dilation, strict=True):
        # A window that reaches beyond both ends chooses an input that is not there.
        assume((k - 1) * d + 1 <= n + 2 * p and (d == 1 or n >= d) and (dilated or k <= n))
    ceil = draw(st.booleans())
    return [*lead, *lengths], [kernel, stride, padding, *([dilation] if dilated else []), ceil]


@given(geometries(), st.sampled_from([torch.float32, torch.float64]), st.sampled_from(["c", "l", "t"]))
@settings(max_examples=50, deadline=None)
def test_max_pool3d_gives_the_bits_and_strides_of_the_cpu_kernel(
    case: tuple[list[int], list[Any]], dtype: torch.dtype, layout: str
) -> None:
    shape, arguments = case
    x = drawn(shape, dtype)
    if layout == "l" and x.dim() == 5:
        x = x.contiguous(memory_format=CL3)
    if layout == "t":
        x = x.transpose(-1, -2).contiguous().transpose(-1, -2)
    y, indices = aten.max_pool3d_with_indices(x, *arguments)
    grad = gradient(y)
    expected = aten.max_pool3d_with_indices_backward(grad, x, *arguments, indices)
    made = pool.max_pool3d_with_indices_backward(grad, x, *arguments, indices)
    assert torch.equal(made, expected)
    assert made.stride() == expected.stride()


@given(
    geometries(dilated=False),
    st.booleans(),
    st.sampled_from([None, None, 1, 7, -3]),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_avg_pool3d_is_no_less_exact_than_the_cpu_kernel(
    case: tuple[list[int], list[Any]], include: bool, divisor: int | None, double: bool, last: bool
) -> None:
    shape, arguments = case
    x = drawn(shape, torch.float64 if double else torch.float32)
    if last and x.dim() == 5:
        x = x.contiguous(memory_format=CL3)
    rest = (*arguments, include, divisor)
    grad = gradient(aten.avg_pool3d(x, *rest))
    expected = aten.avg_pool3d_backward(grad, x, *rest)
    made = pool.avg_pool3d_backward(grad, x, *rest)
    assert isinstance(made, Tensor)
    assert made.stride() == expected.stride()
    exact = aten.avg_pool3d_backward(grad.double(), x.double(), *rest)
    # In float64 the reference is rounded as often as ours.
    units = 32 if double else 1
    bound = 2 * (expected - exact).abs().max() + exact.abs().max() * torch.finfo(x.dtype).eps * units
    assert bool(((made - exact).abs() <= bound).all())


@given(
    st.integers(2, 3),
    st.integers(1, 3),
    st.integers(1, 9),
    st.integers(0, 9),
    st.booleans(),
    st.integers(0, 2**31),
)
@settings(max_examples=40, deadline=None)
def test_fractional_gives_the_bits_of_the_cpu_kernel(
    dims: int, kernel: int, outputs: int, more: int, last: bool, seed: int
) -> None:
    inputs = outputs + kernel + more
    x = drawn([2, 3, *[inputs] * dims])
    if last:
        x = x.contiguous(memory_format=torch.channels_last if dims == 2 else CL3)
    samples = torch.rand(2, 3, dims, generator=torch.Generator().manual_seed(seed))
    sizes = ([kernel] * dims, [outputs] * dims)
    y, indices = getattr(aten, f"fractional_max_pool{dims}d")(x, *sizes, samples)
    grad = gradient(y)
    expected = getattr(aten, f"fractional_max_pool{dims}d_backward")(grad, x, *sizes, indices)
    made = getattr(pool, f"fractional_max_pool{dims}d_backward")(grad, x, *sizes, indices)
    assert torch.equal(made, expected)
    assert made.stride() == expected.stride()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_small_types_are_summed_in_float32(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "BLOCK", 1000)
    x = drawn((3, 2, 7, 6, 8), dtype)
    for layout in (torch.contiguous_format, CL3):
        x = x.contiguous(memory_format=layout)
        arguments = ([3] * 3, [1] * 3, [1] * 3, [1] * 3, False)
        y, indices = aten.max_pool3d_with_indices(x, *arguments)
        grad = gradient(y)
        exact = torch.zeros(x.shape).flatten(-3)
        exact.scatter_add_(-1, indices.flatten(-3), grad.float().flatten(-3))
        made = pool.max_pool3d_with_indices_backward(grad, x, *arguments, indices)
        assert torch.equal(made, exact.view(x.shape).to(dtype))


def test_formats_may_differ() -> None:
    x = drawn((2, 3, 7, 6, 8))
    arguments = ([3] * 3, [2] * 3, [1] * 3, [1] * 3, False)
    y, indices = aten.max_pool3d_with_indices(x, *arguments)
    grad = gradient(y)
    expected = aten.max_pool3d_with_indices_backward(grad, x, *arguments, indices)
    for self_ in (x, x.contiguous(memory_format=CL3)):
        for given_ in (grad, grad.contiguous(memory_format=CL3), grad.mT.contiguous().mT):
            for index in (indices, indices.contiguous(memory_format=CL3)):
                made = pool.max_pool3d_with_indices_backward(given_, self_, *arguments, index)
                assert isinstance(made, Tensor)
                assert made.stride() == self_.stride()
                assert torch.equal(made, expected)


def test_special_values() -> None:
    special = torch.tensor([torch.nan, torch.inf, -torch.inf, -0.0, 1e-42, 3e38, 1.0, 0.0])
    x = drawn((2, 3, 7, 8, 9))
    shared = ([3] * 3, [2] * 3, [1] * 3)
    y, indices = aten.max_pool3d_with_indices(x, *shared, [1] * 3, False)
    grad = special[torch.randint(8, y.shape, generator=torch.Generator().manual_seed(3))]
    pairs = [
        (
            aten.max_pool3d_with_indices_backward(grad, x, *shared, [1] * 3, False, indices),
            pool.max_pool3d_with_indices_backward(grad, x, *shared, [1] * 3, False, indices),
        ),
        (
            aten.avg_pool3d_backward(grad, x, *shared, False, False, None),
            pool.avg_pool3d_backward(grad, x, *shared, False, False, None),
        ),
    ]
    for expected, made in pairs:
        assert isinstance(made, Tensor)
        assert torch.allclose(made, expected, rtol=1e-6, atol=1e-44, equal_nan=True)
        assert bool(expected.isnan().any() and expected.isinf().any())


def test_an_input_between_windows_gets_nothing_even_from_infinity() -> None:
    x, grad = torch.ones(1, 1, 5, 5, 5), torch.full((1, 1, 2, 2, 2), torch.inf)
    made = pool.avg_pool3d_backward(grad, x, [1] * 3, [3] * 3, [0] * 3, False, True, None)
    assert isinstance(made, Tensor)
    assert not bool(made.isnan().any())
    assert int(made.isinf().sum()) == 8


def test_an_output_that_chose_nothing_gives_nothing() -> None:
    x, grad = torch.ones(1, 1, 2, 2, 4), torch.tensor([[[[[3.0, 5.0]]]]])
    arguments = ([2] * 3, [2] * 3, [0] * 3, [1] * 3, False)
    indices = torch.tensor([[[[[-1, 2]]]]])
    made = pool.max_pool3d_with_indices_backward(grad, x, *arguments, indices)
    assert torch.equal(made, aten.max_pool3d_with_indices_backward(grad, x, *arguments, indices))
    with pytest.raises(RuntimeError, match="index 16 is out of bounds"):
        pool.max_pool3d_with_indices_backward(grad, x, *arguments, torch.full_like(indices, 16))


def test_the_written_out_forms() -> None:
    x = drawn((2, 3, 7, 8, 9))
    shared = ([3] * 3, [2] * 3, [1] * 3)
    y, indices = aten.max_pool3d_with_indices(x, *shared, [1] * 3, False)
    samples = torch.rand(2, 3, 3, generator=torch.Generator().manual_seed(0))
    z, chosen = aten.fractional_max_pool3d(x, [2] * 3, [3] * 3, samples)
    calls = [
        (aten.max_pool3d_with_indices_backward, (gradient(y), x, *shared, [1] * 3, False, indices)),
        (aten.avg_pool3d_backward, (gradient(y), x, *shared, False, False, None)),
        (aten.fractional_max_pool3d_backward, (gradient(z), x, [2] * 3, [3] * 3, chosen)),
    ]
    for operation, arguments in calls:
        expected = operation(*arguments)
        with InstalledOverrides(ROWS, "cpu"):
            out = torch.full_like(expected, 7.0)
            assert operation.grad_input(*arguments, grad_input=out) is out
        assert torch.allclose(out, expected, rtol=1e-5, atol=1e-6)


def test_through_autograd_the_same_on_one_thread_and_two() -> None:
    samples = torch.rand(4, 8, 3, generator=torch.Generator().manual_seed(0))

    def train() -> list[Tensor]:
        grads = []
        for one in (
            lambda x: F.max_pool3d(x, 3, 2, 1),
            lambda x: F.avg_pool3d(x, 3, 2, 1),
            lambda x: F.fractional_max_pool3d(x, 2, 9, _random_samples=samples),
        ):
            x = drawn((4, 8, 17, 18, 19)).requires_grad_()
            y = one(x)
            y.backward(gradient(y.detach()))
            assert x.grad is not None
            grads.append(x.grad)
        return grads

    before, results = torch.get_num_threads(), []
    with InstalledOverrides(ROWS, "cpu"):
        try:
            for threads in (1, 2, 1):
                torch.set_num_threads(threads)
                results.append(train())
        finally:
            torch.set_num_threads(before)
    for one in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], one, strict=True))


def test_an_empty_batch_and_wrong_arguments_are_left_to_torch() -> None:
    x, grad = torch.ones(2, 3, 4, 4, 4), torch.ones(2, 3, 2, 2, 2)
    index = torch.zeros(grad.shape, dtype=torch.long)
    good = ([2], [2], [0], [1], False)
    ours = pool.max_pool3d_with_indices_backward
    assert isinstance(ours(grad, x, *good, index), Tensor)
    assert isinstance(ours(grad, x, [2], [], [0], [1], False, index), Tensor)
    assert ours(grad[:0], x[:0], *good, index[:0]) is NotImplemented
    assert ours(grad, x, *good, index.int()) is NotImplemented
    assert ours(grad, x, [2, 2], *good[1:], index) is NotImplemented
    assert ours(grad, x, [2], [2], [2], [1], False, index) is NotImplemented
    average = pool.avg_pool3d_backward
    assert isinstance(average(grad, x, [2], [], [0], False, True, None), Tensor)
    assert average(grad, x, [2], [1], [0], False, True, None) is NotImplemented
    assert average(grad, x, [2], [2], [0], False, True, 0) is NotImplemented
    fractional = pool.fractional_max_pool3d_backward
    assert isinstance(fractional(grad, x, [2] * 3, [2] * 3, index), Tensor)
    assert fractional(grad, x, [2] * 3, [3] * 3, index) is NotImplemented
    assert fractional(grad, x, [4] * 3, [2] * 3, index) is NotImplemented
    with InstalledOverrides(ROWS, "cpu"):
        assert (
            aten.avg_pool3d_backward(grad[:0], x[:0], [2], [2], [0], False, True, None).shape == x[:0].shape
        )
        with pytest.raises(RuntimeError, match="pad should be"):
            aten.max_pool3d_with_indices_backward(grad, x, [2], [2], [2], [1], False, index)
        with pytest.raises(RuntimeError, match="divisor must be not zero"):
            aten.avg_pool3d_backward(grad, x, [2], [2], [0], False, True, 0)
