"""Products of matrices: the reference's bits, whoever computes them and however they lie in memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.arithmetic.bits import THREADS, same_bits, threads
from tests.arithmetic.replaced import replaced
from torch import Tensor

from samebits.arithmetic import core, products
from samebits.arithmetic.reference import products as reference

#: (m, n, k): single numbers, ends of panels of every tier, chunks and groups of k, none.
SHAPES = [
    *((1, 1, 1), (3, 5, 7), (14, 32, 256), (15, 33, 257), (29, 70, 300), (7, 129, 40)),
    *((5, 3, 4096), (5, 3, 9000), (29, 31, 0), (0, 4, 5), (1100, 5, 20), (5, 1100, 300)),
]


def _normal(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def _turned(x: Tensor) -> Tensor:
    return x.mT.contiguous().mT


def _sliced(x: Tensor) -> Tensor:
    """Every second number of something larger."""
    large = torch.full((*x.shape[:-1], 2 * x.shape[-1]), torch.nan, dtype=x.dtype)
    large[..., ::2] = x
    return large[..., ::2]


LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "contiguous": torch.Tensor.contiguous,
    "turned": _turned,
    "sliced": _sliced,
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_tier_layout_and_number_of_threads_has_the_references_bits(shape: tuple[int, int, int]) -> None:
    m, n, k = shape
    a, b = _normal(m, k), _normal(k, n, seed=2)
    expected = torch.from_numpy(reference.matrices(a.numpy(), b.numpy()))
    for tier in core.tiers():
        for number in THREADS:
            for left in LAYOUTS.values():
                for right in LAYOUTS.values():
                    with core.using(tier), threads(number):
                        same_bits(products.mm(left(a), right(b)), expected)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_types(dtype: torch.dtype) -> None:
    """Half numbers are multiplied exactly, summed in float32 and rounded once."""
    a, b = _normal(9, 300, dtype=dtype), _normal(300, 11, dtype=dtype, seed=2)
    wide = dtype if dtype is torch.float64 else torch.float32
    expected = torch.from_numpy(reference.matrices(a.to(wide).numpy(), b.to(wide).numpy())).to(dtype)
    for tier in core.tiers():
        with core.using(tier):
            same_bits(products.mm(a, b), expected)
            same_bits(products.mm(_turned(a), _turned(b)), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(("beta", "alpha"), [(1, 1), (0.3, 1), (1, -1.7), (0.3, 0.7), (0, 2.5)])
def test_what_is_added(dtype: torch.dtype, beta: float, alpha: float) -> None:
    """beta * bias + alpha * P, each rounded to the type; with beta 0 the bias is not read."""
    a, b = _normal(15, 40, dtype=dtype), _normal(40, 37, dtype=dtype, seed=2)
    wide = dtype if dtype is torch.float64 else torch.float32
    product = torch.from_numpy(reference.matrices(a.to(wide).numpy(), b.to(wide).numpy())).to(dtype)
    for shape in ((37,), (15, 1), (), (15, 37), (1, 37)):
        bias = _normal(*shape, dtype=dtype, seed=3)
        scaled = product * alpha if alpha != 1 else product
        expected = scaled + (bias * beta if beta != 1 else bias) if beta else scaled
        for tier in core.tiers():
            with core.using(tier):
                same_bits(products.addmm(bias, a, b, beta=beta, alpha=alpha), expected)
    unread = torch.full((15, 37), torch.nan, dtype=dtype)
    assert not products.addmm(unread, a, b, beta=0).isnan().any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_linear_layer_is_the_same_in_every_layout(dtype: torch.dtype) -> None:
    """torch makes addmm of a contiguous input, and a product and a sum of another."""
    x, w, b = _normal(3, 11, 20, dtype=dtype), _normal(19, 20, dtype=dtype), _normal(19, dtype=dtype)
    with replaced(products.ROWS):
        whole = torch.nn.functional.linear(x, w, b)
        same_bits(torch.nn.functional.linear(x.transpose(0, 1), w, b).transpose(0, 1), whole)
        same_bits(torch.nn.functional.linear(x[:1].transpose(0, 1), w, b).transpose(0, 1), whole[:1])


def test_a_row_does_not_depend_on_the_rows_beside_it() -> None:
    a, b = _normal(200, 700), _normal(700, 90, seed=2)
    whole = products.mm(a, b)
    for rows in (slice(0, 1), slice(7, 8), slice(100, 163), slice(199, 200)):
        same_bits(products.mm(a[rows], b), whole[rows])
    for columns in (slice(0, 1), slice(33, 34), slice(80, 90)):
        same_bits(products.mm(a, b[:, columns]), whole[:, columns])


def test_batches_are_products_one_by_one() -> None:
    a, b, bias = _normal(5, 6, 70), _normal(5, 70, 9, seed=2), _normal(5, 6, 9, seed=3)
    many = products.bmm(a, b)
    added = products.baddbmm(bias, a, b, beta=0.5)
    for n in range(5):
        same_bits(many[n], products.mm(a[n], b[n]))
        same_bits(added[n], products.addmm(bias[n], a[n], b[n], beta=0.5))
    same_bits(products.bmm(a.expand(5, 6, 70), b[:1].expand(5, 70, 9))[3], products.mm(a[3], b[0]))


def test_vectors() -> None:
    a, v, bias = _normal(6, 700), _normal(700, seed=2), _normal(6, seed=3)
    same_bits(products.mv(a, v), products.mm(a, v[:, None])[:, 0])
    same_bits(products.addmv(bias, a, v), bias + products.mv(a, v))


def test_special_numbers() -> None:
    """Infinities, NaN, numbers below the smallest normal one, and zeros of both signs."""
    odd = torch.tensor([0.0, -0.0, 1e-40, -1e-45, 3e38, -3e38, torch.inf, -torch.inf, torch.nan, 1.0])
    a = odd.repeat(10, 1) * 0 + odd[:, None]
    a[:, 5:] = 0.5
    b = odd.repeat(4)[:40].reshape(10, 4)
    expected = torch.from_numpy(reference.matrices(a.numpy(), b.numpy()))
    for tier in core.tiers():
        with core.using(tier):
            same_bits(products.mm(a, b), expected)


def test_torchs_functions_and_their_gradients_are_these() -> None:
    x, w, bias = (_normal(4, 9, 30), _normal(20, 30, seed=2), _normal(20, seed=3))
    for tensor in (x, w, bias):
        tensor.requires_grad_()
    with replaced(products.ROWS):
        y = torch.nn.functional.linear(x, w, bias)
        (y * y.detach()).sum().backward()
    flat, grad = x.detach().reshape(-1, 30), y.detach().reshape(-1, 20)
    same_bits(y.detach().reshape(-1, 20), products.addmm(bias.detach(), flat, w.detach().T))
    assert x.grad is not None
    assert w.grad is not None
    same_bits(x.grad.reshape(-1, 30), products.mm(grad, w.detach()))
    same_bits(w.grad, products.mm(grad.T, flat))


@pytest.mark.parametrize("form", ["mm", "addmm", "bmm", "baddbmm", "mv", "einsum"])
def test_gradients_are_those_of_differences(form: str) -> None:
    double = torch.float64
    a, b, bias = (
        _normal(2, 3, 4, dtype=double),
        _normal(2, 4, 5, dtype=double),
        _normal(2, 3, 5, dtype=double),
    )
    calls: dict[str, tuple[Callable[..., Tensor], tuple[Tensor, ...]]] = {
        "mm": (torch.mm, (a[0], b[0])),
        "addmm": (torch.addmm, (bias[0], a[0], b[0])),
        "bmm": (torch.bmm, (a, b)),
        "baddbmm": (torch.baddbmm, (bias, a, b)),
        "mv": (torch.mv, (a[0], b[0, :, 0])),
        "einsum": (lambda x, y: torch.einsum("bij,bjk->bk", x, y), (a, b)),
    }
    call, inputs = calls[form]
    with replaced(products.ROWS):
        assert torch.autograd.gradcheck(call, tuple(x.clone().requires_grad_() for x in inputs))


def test_what_torch_refuses_is_torchs_to_refuse() -> None:
    with replaced(products.ROWS):
        with pytest.raises(RuntimeError, match="cannot be multiplied"):
            torch.mm(torch.ones(2, 3), torch.ones(4, 5))
        with pytest.raises(RuntimeError, match="same dtype"):
            torch.mm(torch.ones(2, 3), torch.ones(3, 5, dtype=torch.float64))
        assert torch.equal(torch.mm(torch.ones(2, 3).long(), torch.ones(3, 2).long()), torch.full((2, 2), 3))


def test_out_and_in_place() -> None:
    a, b, c = _normal(6, 7), _normal(7, 8, seed=2), _normal(6, 8, seed=3)
    with replaced(products.ROWS):
        out = torch.empty(6, 8)
        torch.mm(a, b, out=out)
        same_bits(out, products.mm(a, b))
        torch.mm(a, b, out=out.T.contiguous().T)
        same_bits(c.clone().addmm_(a, b), products.addmm(c, a, b))
