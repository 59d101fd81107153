"""Backward of adaptive pooling: PyTorch's own sums in its own formats, and windows that miss nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.determinism.overrides import InstalledOverrides
from samebits.model.operators import OPERATIONS
from samebits.ops import adaptive_pool

ROWS = [row for row in OPERATIONS if row.file == "adaptive_pool"]
MAX = pytest.mark.parametrize("dims", [2, 3])
FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}

aten = torch.ops.aten


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_launch, "triton_for", lambda tensor: False)
        yield


def name(kind: str, dims: int) -> str:
    return f"_adaptive_avg_pool{dims}d" if kind == "avg" else f"adaptive_max_pool{dims}d"


def task(kind: str, x: Tensor, outputs: Sequence[int], seed: int = 1) -> tuple[tuple[Tensor, ...], Any, Any]:
    """The backward's arguments, PyTorch's backward and ours."""
    operation = name(kind, len(outputs))
    made = getattr(aten, operation)(x, outputs)
    y, *indices = made if isinstance(made, tuple) else (made,)
    grad = torch.randn(y.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    arguments = (torch.empty_like(y).copy_(grad), x, *indices)
    return arguments, getattr(aten, f"{operation}_backward"), getattr(adaptive_pool, f"{operation}_backward")


def drawn(shape: Sequence[int], dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    """Few different values: windows have ties, and neighbours often choose one input together."""
    return torch.randint(-4, 5, tuple(shape), generator=torch.Generator().manual_seed(seed)).to(dtype)


LENGTHS = st.sampled_from([1, 2, 3, 5, 7, 8, 12])


@st.composite
def shapes(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    dims = draw(st.sampled_from([2, 3]))
    lead = draw(st.sampled_from([[1], [3], [1, 1], [2, 3], [1, 5]]))
    return [*lead, *(draw(LENGTHS) for _ in range(dims))], [draw(LENGTHS) for _ in range(dims)]


def in_format(x: Tensor, kind: str) -> Tensor:
    if kind == "channels_last" and x.dim() in FORMATS:
        return x.contiguous(memory_format=FORMATS[x.dim()])
    if kind == "transposed":
        return x.transpose(-1, -2).contiguous().transpose(-1, -2)
    if kind == "every other":
        return torch.stack((x, x), -1).flatten(-2)[..., ::2]
    return x


@given(
    shapes(),
    st.sampled_from([torch.float32, torch.float64]),
    st.sampled_from(["contiguous", "channels_last", "transposed", "every other"]),
)
@settings(max_examples=50, deadline=None)
def test_max_gives_the_bits_and_strides_of_the_cpu_kernel(
    sizes: tuple[list[int], list[int]], dtype: torch.dtype, layout: str
) -> None:
    x = in_format(drawn(sizes[0], dtype), layout)
    arguments, native, ours = task("max", x, sizes[1])
    expected, made = native(*arguments), ours(*arguments)
    assert torch.equal(made, expected)
    assert made.stride() == expected.stride()


@given(
    shapes(),
    st.sampled_from([torch.bfloat16, torch.float16, torch.float32, torch.float64]),
    st.sampled_from(["contiguous", "channels_last", "transposed"]),
)
@settings(max_examples=50, deadline=None)
def test_average_is_no_less_exact_than_the_cpu_kernel(
    sizes: tuple[list[int], list[int]], dtype: torch.dtype, layout: str
) -> None:
    x = in_format(drawn(sizes[0], dtype), layout)
    arguments, native, ours = task("avg", x, sizes[1])
    expected, made = native(*arguments), ours(*arguments)
    assert made.dtype == dtype
    assert made.stride() == expected.stride()
    exact = native(*(argument.double() for argument in arguments))
    # In float64 the reference is rounded as often as ours.
    units = 32 if dtype == torch.float64 else 1
    bound = 2 * (expected.double() - exact).abs().max() + exact.abs().max() * torch.finfo(dtype).eps * units
    assert bool(((made.double() - exact).abs() <= bound).all())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@MAX
def test_max_of_small_types_is_rounded_once(dims: int, dtype: torch.dtype) -> None:
    x = drawn([2, 3, *[9] * dims], dtype)
    for one in (x, x.contiguous(memory_format=FORMATS[dims + 2])):
        (grad, _, indices), _, ours = task("max", one, [5] * dims)
        exact = torch.zeros(one.shape).flatten(-dims)
        exact.scatter_add_(-1, indices.flatten(-dims), grad.float().flatten(-dims))
        assert torch.equal(ours(grad, one, indices), exact.view(one.shape).to(dtype))


@pytest.mark.parametrize("kind", ["avg", "max"])
@MAX
def test_special_values(kind: str, dims: int) -> None:
    special = torch.tensor([torch.nan, torch.inf, -torch.inf, -0.0, 1e-42, 3e38, 1.0, 0.0])
    (grad, x, *indices), native, ours = task(kind, drawn([2, 3, *[7] * dims]), [5] * dims)
    grad = special[torch.randint(8, grad.shape, generator=torch.Generator().manual_seed(3))]
    expected, made = native(grad, x, *indices), ours(grad, x, *indices)
    assert torch.allclose(made, expected, rtol=1e-6, atol=1e-44, equal_nan=True)
    assert bool(expected.isnan().any() and expected.isinf().any())


@pytest.mark.parametrize("dims", [2, 3])
def test_a_negative_zero_of_an_average_stays_one(dims: int) -> None:
    grad, x = torch.full((1, 1, *[2] * dims), -0.0), torch.ones(1, 1, *[4] * dims)
    ours = getattr(adaptive_pool, name("avg", dims) + "_backward")
    assert bool(torch.signbit(ours(grad, x)).all())


@pytest.mark.parametrize("kind", ["avg", "max"])
@MAX
def test_through_autograd_the_same_on_one_thread_and_two(kind: str, dims: int) -> None:
    pool: Callable[..., Tensor] = getattr(F, f"adaptive_{kind}_pool{dims}d")
    results = []
    with InstalledOverrides(ROWS, "cpu"):
        before = torch.get_num_threads()
        try:
            for threads in (1, 2, 1):
                torch.set_num_threads(threads)
                x = drawn([4, 8, *[21] * dims]).requires_grad_()
                y = pool(x, [8] * dims)
                y.backward(torch.randn(y.shape, generator=torch.Generator().manual_seed(0)))
                results.append(x.grad)
        finally:
            torch.set_num_threads(before)
    assert results[0] is not None
    assert all(torch.equal(results[0], one) for one in results[1:] if one is not None)
    assert bool(results[0].any())


@MAX
def test_the_written_out_form(dims: int) -> None:
    arguments, native, _ = task("max", drawn([2, 3, *[7] * dims]), [3] * dims)
    expected = native(*arguments)
    with InstalledOverrides(ROWS, "cpu"):
        out = torch.full_like(expected, 7.0)
        assert native.grad_input(*arguments, grad_input=out) is out
    assert torch.equal(out, expected)


@pytest.mark.parametrize("kind", ["avg", "max"])
@MAX
def test_an_empty_batch_and_wrong_arguments_are_left_to_torch(kind: str, dims: int) -> None:
    operation = name(kind, dims) + "_backward"
    ours, native = getattr(adaptive_pool, operation), getattr(aten, operation)
    x, grad = torch.ones(2, 3, *[6] * dims), torch.ones(2, 3, *[3] * dims)
    index = [] if kind == "avg" else [torch.zeros(grad.shape, dtype=torch.long)]
    assert ours(grad[:0], x[:0], *(one[:0] for one in index)) is NotImplemented
    assert ours(grad.double(), x, *index) is NotImplemented
    assert ours(grad.long(), x.long(), *index) is NotImplemented
    with InstalledOverrides(ROWS, "cpu"):
        assert native(grad[:0], x[:0], *(one[:0] for one in index)).shape == x[:0].shape
        with pytest.raises(RuntimeError, match=r"dtype|Double"):
            native(grad.double(), x, *index)


def test_an_index_outside_raises() -> None:
    x, grad = torch.ones(1, 1, 6, 6), torch.ones(1, 1, 3, 3)
    with pytest.raises(RuntimeError, match="index 36 is out of bounds"):
        adaptive_pool.adaptive_max_pool2d_backward(grad, x, torch.full((1, 1, 3, 3), 36))
