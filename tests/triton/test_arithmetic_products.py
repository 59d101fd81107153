"""Products and convolutions in Triton give the bits of the C kernels, which are those of the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from samebits.arithmetic import convolution, products
from samebits.arithmetic._triton import products as on_cuda
from samebits.arithmetic.reference import products as reference

from .arithmetic import as_hardware, same

DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def drawn(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed + sum(shape))).to(dtype)


def multiplied(a: Tensor, b: Tensor, bias: Tensor | None, beta: float, alpha: float) -> Tensor:
    out = torch.empty((*a.shape[:-1], b.shape[-1]), dtype=a.dtype)
    with as_hardware():
        on_cuda.matrices(a, b, out, None if bias is None else bias.expand(out.shape), beta, alpha)
    return out


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 5, 7), (33, 2, 40), (2, 37, 259)])
def test_matrices(dtype: torch.dtype, sizes: tuple[int, int, int]) -> None:
    m, n, k = sizes
    a, b, bias = drawn(m, k, dtype=dtype), drawn(n, k, dtype=dtype).t(), drawn(n, dtype=dtype)
    for beta, alpha, added in ((1.0, 1.0, None), (1.0, 1.0, bias), (0.7, -1.3, bias), (1.0, 0.5, None)):
        if added is not None and dtype in (torch.float16, torch.bfloat16):
            continue  # products.py adds after the product's rounding
        want = products._matrices(a, b, added, beta, alpha)
        assert same(multiplied(a, b, added, beta, alpha), want)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_batch_in_any_layout(dtype: torch.dtype) -> None:
    a, b = drawn(9, 2, 6, dtype=dtype).permute(1, 2, 0), drawn(2, 9, 10, dtype=dtype)[..., ::2]
    # products.py adds after a half product's rounding
    bias = None if dtype in (torch.float16, torch.bfloat16) else drawn(6, 1, dtype=dtype)
    assert same(multiplied(a, b, bias, 1.0, 1.0), products._matrices(a, b, bias, 1.0, 1.0))


def test_groups_of_chunks() -> None:
    a, b = drawn(1, 2 * 4096 + 300), drawn(2 * 4096 + 300, 1)
    got = multiplied(a, b, None, 1.0, 1.0)
    assert same(got, products._matrices(a, b, None, 1.0, 1.0))
    assert same(got, torch.from_numpy(np.asarray(reference.matrices(a.numpy(), b.numpy()))))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_what_is_no_number_and_what_is_hardly_one(dtype: torch.dtype) -> None:
    info = torch.finfo(dtype)
    special = [0.0, -0.0, 1.0, float("inf"), -float("inf"), float("nan"), info.tiny, -info.tiny, info.max]
    a = torch.tensor([special], dtype=torch.float64).to(dtype).t()
    b = a.flip(0).t()
    assert same(multiplied(a, b, None, 1.0, 1.0), products._matrices(a, b, None, 1.0, 1.0))
    # Nothing is added to a chain that rounds to -0.
    a, b = torch.full((1, 1), -info.tiny, dtype=dtype), torch.full((1, 1), info.tiny, dtype=dtype)
    got = multiplied(a, b, None, 1.0, 1.0)
    assert same(got, products._matrices(a, b, None, 1.0, 1.0))
    assert torch.signbit(got) == (dtype is not torch.float16 or info.tiny**2 > 0)


#: input, weight; stride, padding, dilation, transposed, output padding, groups
CONVOLUTIONS: tuple[Any, ...] = (
    ((2, 3, 9), (4, 3, 3), (2,), (1,), (1,), False, (0,), 1),
    ((1, 4, 6, 7), (6, 2, 3, 2), (2, 1), (1, 0), (1, 2), False, (0, 0), 2),
    ((1, 2, 4, 5, 4), (2, 2, 2, 3, 2), (1, 2, 1), (1, 1, 0), (1, 1, 1), False, (0, 0, 0), 1),
    ((2, 4, 5, 4), (4, 3, 3, 3), (2, 3), (1, 1), (1, 2), True, (1, 0), 2),
    ((2, 3, 5, 6), (3, 1, 3, 3), (1, 1), (1, 1), (1, 1), False, (0, 0), 3),
    ((1, 2, 3, 3), (2, 2, 2, 2), (3, 3), (0, 0), (1, 1), True, (0, 0), 1),
)


@pytest.mark.parametrize("last", [False, True], ids=["channels first", "channels last"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("case", CONVOLUTIONS, ids=lambda case: f"{case[0]}")
def test_convolutions_and_their_derivatives(
    monkeypatch: pytest.MonkeyPatch, case: Any, dtype: torch.dtype, last: bool
) -> None:
    sizes, kernel, *how = case
    if last and len(sizes) != 4:
        return
    x, weight = drawn(*sizes, dtype=dtype), drawn(*kernel, dtype=dtype, seed=1)
    if last:
        x = x.to(memory_format=torch.channels_last)
    bias = drawn(kernel[1] * how[-1] if how[3] else kernel[0], dtype=dtype)

    def results() -> tuple[Tensor, ...]:
        y = convolution.convolution(x, weight, bias, *how)
        gradient = drawn(*y.shape, dtype=dtype, seed=2)
        mask = (True, True, False)
        return (y, *convolution.convolution_backward(gradient, x, weight, None, *how, mask)[:2])

    want = results()
    monkeypatch.setattr(convolution, "_convolve", on_cuda.convolve)
    monkeypatch.setattr(convolution, "_correlate", on_cuda.correlate)
    with as_hardware():
        got = results()
    assert [same(*pair) for pair in zip(got, want, strict=True)] == [True] * 3
