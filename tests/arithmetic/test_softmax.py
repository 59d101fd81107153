"""Softmax and its logarithm are the formulas of the definition, forward and backward, along any dimension."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.arithmetic.everywhere import check, same
from tests.arithmetic.replaced import replaced
from torch import Tensor
from torch.nn import functional as F

from samebits.arithmetic import softmax
from samebits.arithmetic.reference import softmax as reference


def numbers(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed)) * 3


def against_the_reference(x: Tensor, grad: Tensor, dim: int) -> None:
    def by(function: object, *tensors: Tensor) -> np.ndarray:
        rows = [one.movedim(dim, -1).contiguous().numpy() for one in tensors]
        return np.ascontiguousarray(np.moveaxis(function(*rows), -1, dim))  # type: ignore[operator]

    dtype = x.dtype
    y, logs = by(reference.softmax, x), by(reference.log_softmax, x)
    check(y, softmax.softmax, x, dim, False)
    check(logs, softmax.log_softmax, x, dim, False)
    result, log = torch.from_numpy(y), torch.from_numpy(logs)
    check(by(reference.softmax_backward, grad, result), softmax.softmax_backward, grad, result, dim, dtype)
    check(by(reference.log_softmax_backward, grad, log), softmax.log_softmax_backward, grad, log, dim, dtype)


@pytest.mark.parametrize("n", [1, 2, 10, 15, 16, 17, 63, 64, 65, 255, 256, 257, 1000])
def test_rows(n: int) -> None:
    against_the_reference(numbers(40, n), numbers(40, n, seed=1), 1)


@pytest.mark.parametrize("shape", [(3, 10, 49), (2, 5, 3), (1, 300, 17), (2, 4, 200)])
def test_columns(shape: tuple[int, ...]) -> None:
    against_the_reference(numbers(*shape), numbers(*shape, seed=1), 1)


def test_double() -> None:
    x, grad = numbers(3, 20, 4, dtype=torch.float64), numbers(3, 20, 4, dtype=torch.float64, seed=1)
    against_the_reference(x, grad, 1)
    against_the_reference(x, grad, 2)


def test_special_values() -> None:
    x = numbers(8, 20)
    x[0, 3], x[1, 4], x[2], x[3, 1:], x[5, 2] = torch.inf, torch.nan, -torch.inf, -torch.inf, -torch.inf
    x[6] *= 1e38
    x[7, :10] -= 95
    for given, dim in ((x, 1), (x.t().contiguous(), 0)):
        against_the_reference(given, numbers(*given.shape, seed=1), dim)
        with replaced(softmax.ROWS):
            ours = given.softmax(dim)
        assert torch.allclose(ours, given.softmax(dim), equal_nan=True)


def test_rows_and_columns_agree_and_a_row_alone_is_the_row_in_a_batch() -> None:
    for n in (1, 10, 300):
        x = numbers(50, n)
        for function in (softmax.softmax, softmax.log_softmax):
            rows = function(x, 1, False)
            assert same(rows, function(x.t(), 0, False).t().contiguous())
            assert same(rows[7:8], function(x[7:8], 1, False))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves(dtype: torch.dtype) -> None:
    x = numbers(5, 30).to(dtype)
    wide = softmax.softmax(x.float(), 1, False)
    assert torch.equal(softmax.softmax(x, 1, False), wide.to(dtype))
    assert torch.equal(softmax.softmax(x, 1, True), wide)
    with replaced(softmax.ROWS):
        x.requires_grad_()
        assert x.softmax(1, dtype=torch.float32).dtype is torch.float32
        F.cross_entropy(x, torch.zeros(5, dtype=torch.int64)).backward()
        assert x.grad is not None


def test_torchs_functions_give_what_they_gave() -> None:
    x = numbers(4, 6, 5, 7)
    for given in (x, x.to(memory_format=torch.channels_last), x[:, ::2], x[0, 0, 0, 0], x[:0], x[..., :1]):
        for dim in range(given.dim()):
            native = given.softmax(dim), given.log_softmax(dim)
            with replaced(softmax.ROWS):
                ours = given.softmax(dim), given.log_softmax(dim)
            for a, b in zip(native, ours, strict=True):
                assert (a.shape, a.dtype, a.stride()) == (b.shape, b.dtype, b.stride())
                assert torch.allclose(a, b, rtol=1e-5, atol=1e-6)
    with replaced(softmax.ROWS), pytest.raises(IndexError):
        x.softmax(7)


def test_gradients() -> None:
    x = numbers(3, 4, 5, dtype=torch.float64).requires_grad_()
    with replaced(softmax.ROWS):
        for dim in (0, 1, 2):
            assert torch.autograd.gradcheck(lambda x: x.softmax(dim), (x,))  # noqa: B023
            assert torch.autograd.gradcheck(lambda x: x.log_softmax(dim), (x,))  # noqa: B023
