"""Windows over each other: a chain of additions, nearly torch's results, and gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tests.arithmetic.bits import THREADS, same_bits, threads
from tests.arithmetic.replaced import replaced
from torch import Tensor

from samebits.arithmetic import folding

OPTIONS: tuple[dict[str, Any], ...] = (
    {"kernel_size": 3},
    {"kernel_size": (3, 2), "stride": 2, "padding": 1},
    {"kernel_size": (2, 3), "dilation": 2, "padding": (2, 1)},
)


def _normal(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_folding(options: dict[str, Any]) -> None:
    columns = _normal(*F.unfold(_normal(2, 3, 9, 8), **options).shape)
    native = F.fold(columns, (9, 8), **options)
    with replaced(folding.ROWS):
        expected = F.fold(columns, (9, 8), **options)
        for number in THREADS:
            with threads(number):
                for laid in (columns, columns.mT.contiguous().mT):
                    same_bits(F.fold(laid, (9, 8), **options), expected)
        same_bits(F.fold(columns[1], (9, 8), **options), expected[1])
        x = _normal(1, 2, 9, 8, dtype=torch.float64).requires_grad_()
        assert torch.autograd.gradcheck(lambda x: F.unfold(x, **options), (x,), fast_mode=True)
    assert torch.allclose(expected, native, atol=1e-5)


def test_a_chain_in_the_order_of_a_windows_numbers() -> None:
    columns = _normal(1, 4, 12)
    with replaced(folding.ROWS):
        images = F.fold(columns, (4, 5), 2)
    numbers = columns.view(2, 2, 3, 4)
    expected = torch.zeros(4, 5)
    for i in range(2):
        for j in range(2):
            expected[i : i + 3, j : j + 4] += numbers[i, j]
    same_bits(images[0, 0], expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_gradient_of_windows(dtype: torch.dtype) -> None:
    x = _normal(3, 11, 2, dtype=dtype).requires_grad_()
    grads = _normal(3, 4, 2, 4, dtype=dtype)
    (native,) = torch.autograd.grad(x.unfold(1, 4, 2), x, grads)
    with replaced(folding.ROWS):
        (ours,) = torch.autograd.grad(x.unfold(1, 4, 2), x, grads)
    assert torch.allclose(ours, native, atol=1e-5 if dtype is torch.float32 else 0.05)


def test_what_torch_refuses_it_refuses() -> None:
    with replaced(folding.ROWS), pytest.raises(RuntimeError):
        F.fold(_normal(1, 4, 11), (4, 5), 2)
