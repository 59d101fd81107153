"""Distances, outer products and weights of a given norm."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.arithmetic.bits import THREADS, same_bits, threads
from tests.arithmetic.replaced import replaced
from torch import Tensor

from samebits.arithmetic import compound, core, elementwise, pairs, reductions
from samebits.arithmetic.reference.sums import dot

ROWS = (*pairs.ROWS, *reductions.ROWS, *elementwise.ROWS, *compound.ROWS)
ORDERS = (0.5, 1.0, 2.0, 3.0, float("inf"))


def _normal(*shape: int, seed: int = 1, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def test_distances_have_the_formulas_bits() -> None:
    x, y = _normal(2, 7, 300), _normal(2, 9, 300, seed=2)
    d = x.numpy()[:, :, None] - y.numpy()[:, None]
    expected = torch.from_numpy(np.sqrt(dot(d, d)))
    for tier in core.tiers():
        for number in THREADS:
            with replaced(ROWS), core.using(tier), threads(number):
                same_bits(torch.cdist(x, y), expected)
    with replaced(ROWS):
        same_bits(torch.cdist(x[:, 2:3], y[:, 3:]), expected[:, 2:3, 3:])


@pytest.mark.parametrize("order", ORDERS)
def test_distances_nearly_as_torch(order: float) -> None:
    x, y = (
        _normal(2, 7, 5, dtype=torch.float64).requires_grad_(),
        _normal(9, 5, seed=2, dtype=torch.float64).requires_grad_(),
    )
    native = torch.cdist(x, y, p=order)
    slopes = torch.autograd.grad(native.cos().sum(), (x, y))
    pairwise = torch.pdist(y, p=order)
    (of_pairs,) = torch.autograd.grad(pairwise.cos().sum(), y)
    with replaced(ROWS):
        ours = torch.cdist(x, y, p=order)
        again = torch.autograd.grad(ours.cos().sum(), (x, y))
        distances = torch.pdist(y, p=order)
        assert torch.allclose(distances, pairwise)
        assert torch.allclose(torch.autograd.grad(distances.cos().sum(), y)[0], of_pairs)
        largest = torch.renorm(y, order, 0, 1.5)
    assert torch.allclose(largest, torch.renorm(y, order, 0, 1.5))
    assert torch.allclose(ours, native)
    for got, expected in zip(again, slopes, strict=True):
        assert torch.allclose(got, expected)


def test_equal_rows_have_no_slope() -> None:
    x = _normal(3, 4).requires_grad_()
    for order in ORDERS:
        with replaced(ROWS):
            (grad,) = torch.autograd.grad(torch.cdist(x, x.detach(), p=order).diagonal().sum(), x)
        assert not grad.any()


def test_outer_products() -> None:
    own, x, y = _normal(4, 5), _normal(4), _normal(5, seed=2)
    beta, alpha = np.float32(0.3), np.float32(0.7)
    expected = beta * own.numpy() + alpha * np.outer(x.numpy(), y.numpy())
    with replaced(ROWS):
        same_bits(torch.addr(own, x, y, beta=0.3, alpha=0.7), torch.from_numpy(expected))
        assert torch.equal(torch.addr(torch.full_like(own, torch.nan), x, y, beta=0), torch.outer(x, y))
        assert torch.autograd.gradcheck(torch.addr, tuple(z.double().requires_grad_() for z in (own, x, y)))


@pytest.mark.parametrize("dim", [0, 2])
def test_weights_of_a_given_norm(dim: int) -> None:
    v = _normal(7, 5, 3)
    g = torch.linspace(0.5, 2, v.shape[dim]).view([-1 if at == dim else 1 for at in range(3)])
    native = torch._weight_norm(v, g, dim)
    with replaced(ROWS):
        assert torch.allclose(torch._weight_norm(v, g, dim), native)
        assert torch.autograd.gradcheck(
            lambda v, g: torch._weight_norm_interface(v, g, dim)[0],
            (v.double().requires_grad_(), g.double().requires_grad_()),
        )
