"""Pooling's backward as Triton kernels: the bits of plain torch, element for element."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from samebits.ops import adaptive_pool, pool

aten = torch.ops.aten
CL, CL3 = torch.channels_last, torch.channels_last_3d


def both(monkeypatch: pytest.MonkeyPatch, call: Callable[[], Tensor]) -> tuple[Tensor, Tensor]:
    answers = []
    for triton in (False, True):
        monkeypatch.setattr("samebits._runtime.triton_launch.triton_for", lambda _, triton=triton: triton)
        answers.append(call())
    return answers[0], answers[1]


def same(ours: tuple[Tensor, Tensor]) -> None:
    eager, triton = ours
    assert eager.stride() == triton.stride()
    assert torch.equal(eager, triton)
    assert bool((eager != 0).any())


def drawn(shape: tuple[int, ...], dtype: torch.dtype, layout: torch.memory_format | None = None) -> Tensor:
    """Few different values, so that windows have ties, and neighbouring windows choose one input together."""
    x = torch.randint(-4, 5, shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    return x if layout is None else x.contiguous(memory_format=layout)


def gradient(y: Tensor) -> Tensor:
    grad = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return torch.empty_like(y).copy_(grad)


DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "outputs"),
    [
        ((2, 3, 7, 9), (3, 4)),
        ((1, 1, 1, 1), (1, 1)),
        ((3, 5, 6), (2, 3)),
        ((1, 2, 5, 4), (8, 3)),
        ((2, 8, 1), (5, 1)),
    ],
)
@pytest.mark.parametrize("layout", [None, CL])
def test_adaptive_pools_of_planes(
    monkeypatch: pytest.MonkeyPatch,
    shape: tuple[int, ...],
    outputs: tuple[int, int],
    dtype: torch.dtype,
    layout: torch.memory_format,
) -> None:
    x = drawn(shape, dtype, layout if len(shape) == 4 else None)
    y, indices = aten.adaptive_max_pool2d(x, outputs)
    grad = gradient(y)
    same(both(monkeypatch, lambda: adaptive_pool.adaptive_max_pool2d_backward(grad, x, indices)))
    same(both(monkeypatch, lambda: adaptive_pool._adaptive_avg_pool2d_backward(grad, x)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize(("shape", "outputs"), [((2, 2, 5, 7, 4), (2, 3, 4)), ((2, 4, 4, 6), (2, 4, 3))])
def test_adaptive_pools_of_volumes(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], outputs: tuple[int, ...], dtype: torch.dtype
) -> None:
    x = drawn(shape, dtype)
    y, indices = aten.adaptive_max_pool3d(x, outputs)
    grad = gradient(y)
    same(both(monkeypatch, lambda: adaptive_pool.adaptive_max_pool3d_backward(grad, x, indices)))
    same(both(monkeypatch, lambda: adaptive_pool._adaptive_avg_pool3d_backward(grad, x)))


POOLS = [  # kernel, stride, padding, dilation, ceil_mode
    ((2, 2, 2), (2, 2, 2), (0, 0, 0), (1, 1, 1), False),
    ((3, 3, 3), (2, 2, 2), (1, 1, 1), (1, 1, 1), True),
    ((3, 2, 3), (1, 1, 2), (1, 0, 1), (1, 2, 1), False),
    ((2, 3, 2), (1, 2, 3), (1, 1, 0), (2, 1, 3), True),
    ((1, 1, 2), (3, 2, 4), (0, 0, 1), (1, 1, 1), False),
]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("layout", [None, CL3])
@pytest.mark.parametrize("arguments", POOLS)
def test_max_pool3d(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple, layout: torch.memory_format, dtype: torch.dtype
) -> None:
    x = drawn((2, 2, 5, 6, 7), dtype, layout)
    y, indices = aten.max_pool3d_with_indices(x, *arguments)
    grad = gradient(y)
    same(
        both(monkeypatch, lambda: pool.max_pool3d_with_indices_backward(grad, x, *arguments, indices)),
    )


@pytest.mark.parametrize("arguments", POOLS)
def test_avg_pool3d(monkeypatch: pytest.MonkeyPatch, arguments: tuple) -> None:
    kernel, stride, padding, _, ceil = arguments
    x = drawn((2, 2, 5, 6, 7), torch.float32)
    for include, divisor in ((True, None), (False, None), (True, 7)):
        rest = (kernel, stride, padding, ceil, include, divisor)
        grad = gradient(aten.avg_pool3d(x, *rest))
        same(both(monkeypatch, lambda grad=grad, rest=rest: pool.avg_pool3d_backward(grad, x, *rest)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("kernel", [1, 2, 3])
def test_fractional_pools(monkeypatch: pytest.MonkeyPatch, kernel: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(kernel)
    for inputs, outputs in ((9, 1), (9, 4), (10, 7), (8, 5)):
        x = drawn((2, 3, inputs, inputs), dtype)
        samples = torch.rand(2, 3, 2, generator=generator, dtype=torch.float64).to(dtype)
        y, indices = aten.fractional_max_pool2d(x, [kernel] * 2, [outputs] * 2, samples)
        grad = gradient(y)
        rest = (x, [kernel] * 2, [outputs] * 2, indices)
        same(both(monkeypatch, lambda g=grad, rest=rest: pool.fractional_max_pool2d_backward(g, *rest)))
    x = drawn((1, 2, 7, 6, 8), dtype)
    samples = torch.rand(1, 2, 3, generator=generator, dtype=torch.float64).to(dtype)
    y, indices = aten.fractional_max_pool3d(x, [kernel] * 3, [3, 2, 4], samples)
    grad = gradient(y)
    same(
        both(
            monkeypatch,
            lambda: pool.fractional_max_pool3d_backward(grad, x, [kernel] * 3, [3, 2, 4], indices),
        )
    )


def test_an_output_that_chose_nothing_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x = drawn((1, 2, 4, 4, 4), torch.float32)
    arguments = ([2] * 3, [2] * 3, [0] * 3, [1] * 3, False)
    y, indices = aten.max_pool3d_with_indices(x, *arguments)
    indices[0, 1, 0, 1] = -1
    grad = gradient(y)
    same(both(monkeypatch, lambda: pool.max_pool3d_with_indices_backward(grad, x, *arguments, indices)))


def test_wide_offsets_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    from samebits.ops.primitives._triton import windows as kernels

    x = drawn((1, 2, 5, 7), torch.float32)
    y, indices = aten.adaptive_max_pool2d(x, (3, 4))
    grad = gradient(y)
    expected = adaptive_pool.adaptive_max_pool2d_backward(grad, x, indices)
    windows = [adaptive_pool.adaptive(5, 3), adaptive_pool.adaptive(7, 4)]
    result = torch.empty_like(x)
    monkeypatch.setattr(kernels, "NARROW", 0)
    kernels.chosen(grad, indices, result, [w.numbers for w in windows], [w.most for w in windows], 1)
    assert torch.equal(result, expected)
