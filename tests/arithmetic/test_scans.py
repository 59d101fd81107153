"""Running sums, products and log-sums are the scan of the definition, along any dimension."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.arithmetic.everywhere import check, same
from tests.arithmetic.replaced import replaced
from torch import Tensor

from samebits.arithmetic import scans
from samebits.arithmetic.reference import scans as reference

STEPS = {
    "cumsum": (scans.cumsum, reference.add),
    "cumprod": (scans.cumprod, reference.multiply),
    "logcumsumexp": (scans.logcumsumexp, reference.log_add_exp),
}


def numbers(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(0)) * 0.2 + 1


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [1, 2, 255, 256, 257, 1023, 1024, 1025])
def test_rows_and_columns(name: str, dtype: torch.dtype, n: int) -> None:
    function, step = STEPS[name]
    if name == "logcumsumexp":
        n = min(n, 257)  # the reference's functions of float64 are slow
    x = numbers(3, n, dtype=dtype)
    want = reference.running(x.numpy(), step)
    check(want, function, x, 1)
    check(np.ascontiguousarray(want.T), function, x.t().contiguous(), 0)
    check(np.ascontiguousarray(want.T), function, x.t(), -2)


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_three_levels(name: str) -> None:
    function, step = STEPS[name]
    x = numbers(65536 + 600) if name == "cumsum" else 1 + numbers(65536 + 600) * 1e-4
    want = reference.running(x.numpy(), step)
    check(want, function, x, 0)
    check(want[:, None].repeat(2, 1), function, x[:, None].expand(-1, 2), 0)


def test_special_values() -> None:
    inf = torch.inf
    x = torch.tensor([-inf, -inf, 1.0, 2.0, 0.0, inf, 3.0, inf, -inf, 1.0, torch.nan, 1.0])
    for name in STEPS:
        native = getattr(x, name)(0)
        with replaced(scans.ROWS):
            ours = getattr(x, name)(0)
        assert torch.allclose(native, ours, equal_nan=True), name


def test_torchs_functions_give_what_they_gave() -> None:
    x = numbers(4, 6, 5)
    for given in (x, x.transpose(0, 2), x[:, ::2], x.half(), x.int(), x[0, 0, 0], x[:0]):
        for dim in range(max(given.dim(), 1)):

            def results(given: Tensor = given, dim: int = dim) -> list[Tensor]:
                floating = given.is_floating_point()
                return [
                    *(given.cumsum(dim), given.cumprod(dim), given.clone().cumsum_(dim)),
                    *(given.cumsum(dim, dtype=torch.float64), torch.cumprod(given, dim, dtype=torch.float32)),
                    *([given.logcumsumexp(dim)] if floating and given.dtype is not torch.half else []),
                ]

            native = results()
            with replaced(scans.ROWS):
                ours = results()
            for a, b in zip(native, ours, strict=True):
                assert (a.shape, a.dtype) == (b.shape, b.dtype)
                assert torch.allclose(a.double(), b.double(), rtol=1e-3 if a.dtype is torch.half else 1e-6)
    with replaced(scans.ROWS), pytest.raises(IndexError):
        x.cumsum(7)


def test_a_row_alone_is_the_row_in_a_batch() -> None:
    x = numbers(40, 300)
    assert same(scans.cumsum(x, 1)[9], scans.cumsum(x[9], 0))


def test_gradients() -> None:
    x = numbers(3, 4, dtype=torch.float64).requires_grad_()
    with replaced(scans.ROWS):
        for dim in (0, 1):
            assert torch.autograd.gradcheck(lambda x: x.cumsum(dim), (x,))  # noqa: B023
            assert torch.autograd.gradcheck(lambda x: x.cumprod(dim), (x,))  # noqa: B023
            assert torch.autograd.gradcheck(lambda x: x.logcumsumexp(dim), (x,))  # noqa: B023
