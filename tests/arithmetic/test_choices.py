"""Bounds, larger and smaller numbers, hard activations, whole quotients: as defined, in every form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from samebits.arithmetic import activations, choices, core, elementwise, reductions
from samebits.arithmetic.elementwise import Loop
from samebits.arithmetic.reference import choices as reference

from .everywhere import check, same
from .replaced import replaced

Array = NDArray[Any]
ROWS = (*choices.ROWS, *activations.ROWS, *elementwise.ROWS, *reductions.ROWS)
ENDS = (
    *(0.0, -0.0, 1.0, -1.0, 3.0, -3.0, 6.0, 0.5, -0.5, 1e-45, -1e-45),
    *(np.inf, -np.inf, np.nan, 3e38, -3e38, 7.5),
)

#: What torch is asked, of two tensors, and what it is.
FUNCTIONS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Array, Array], Array]]] = {
    "maximum": (torch.maximum, reference.maximum),
    "minimum": (torch.minimum, reference.minimum),
    "fmax": (torch.fmax, reference.fmax),
    "fmin": (torch.fmin, reference.fmin),
    "relu": (lambda a, b: F.relu(a), lambda a, b: reference.relu(a)),
    "relu6": (lambda a, b: F.relu6(a), lambda a, b: reference.clamp(a, 0.0, 6.0)),
    "clamp": (lambda a, b: a.clamp(-0.0, 3), lambda a, b: reference.clamp(a, -0.0, 3.0)),
    "clamp min": (lambda a, b: a.clamp(min=0.0), lambda a, b: reference.maximum(a, 0.0)),
    "clamp max": (lambda a, b: a.clamp(max=-0.0), lambda a, b: reference.minimum(a, -0.0)),
    "clamp_min": (lambda a, b: a.clamp_min(-0.0), lambda a, b: reference.maximum(a, -0.0)),
    "clamp_max": (lambda a, b: a.clamp_max(0), lambda a, b: reference.minimum(a, 0.0)),
    "clamp tensors": (lambda a, b: a.clamp(b, -b), lambda a, b: reference.clamp(a, b, -b)),
    "clamp min tensor": (lambda a, b: a.clamp(min=b), reference.maximum),
    "clamp_max tensor": (torch.clamp_max, reference.minimum),
    "hardtanh": (lambda a, b: F.hardtanh(a, -0.5, 0.5), lambda a, b: reference.clamp(a, -0.5, 0.5)),
    "softshrink": (lambda a, b: F.softshrink(a, 0.5), lambda a, b: reference.softshrink(a, 0.5)),
    "hardsigmoid": (lambda a, b: F.hardsigmoid(a), lambda a, b: reference.hardsigmoid(a)),
    "hardswish": (lambda a, b: F.hardswish(a), lambda a, b: reference.hardswish(a)),
    "hardsigmoid slope": (torch.ops.aten.hardsigmoid_backward, reference.hardsigmoid_backward),
    "floor": (lambda a, b: torch.div(a, b, rounding_mode="floor"), reference.div_floor),
    "trunc": (lambda a, b: torch.div(a, b, rounding_mode="trunc"), reference.div_trunc),
    "//": (lambda a, b: a // b, reference.div_floor),
}


def _pairs(dtype: Any) -> tuple[Array, Array]:
    a, b = (grid.reshape(-1) for grid in np.meshgrid(np.array(ENDS, dtype), np.array(ENDS, dtype)))
    more = (np.random.default_rng(0).normal(size=(2, 700)) * 3).astype(dtype)
    return np.concatenate([a, more[0]]), np.concatenate([b, more[1]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_as_defined(name: str, dtype: Any) -> None:
    asked, is_ = FUNCTIONS[name]
    a, b = _pairs(dtype)
    with np.errstate(all="ignore"):
        want = is_(a, b)
    with replaced(ROWS):
        check(want, asked, torch.from_numpy(a), torch.from_numpy(b))
        for n in (*range(1, 40), 255):
            assert same(asked(torch.from_numpy(a[-n:]), torch.from_numpy(b[-n:])), want[-n:])
        n = len(a) // 4 * 4
        x, y = (torch.from_numpy(one[:n]).view(4, -1) for one in (a, b))
        assert same(asked(x.t().contiguous().t(), y).contiguous(), want[:n].reshape(4, -1))
        assert same(asked(x.repeat_interleave(2, 1)[:, ::2], y), want[:n].reshape(4, -1))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_they_are_torchs_but_for_the_signs_of_zeros(name: str) -> None:
    asked, _ = FUNCTIONS[name]
    a, b = (torch.from_numpy(one) for one in _pairs(np.float32))
    native = asked(a, b)
    with replaced(ROWS):
        ours = asked(a, b)
    if name == "hardswish":  # 6 times a large number is too large in torch
        native, ours = native[a.abs() < 1e38], ours[a.abs() < 1e38]
    torch.testing.assert_close(ours, native, rtol=2e-7, atol=1e-44, equal_nan=True)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_halves_are_float32_rounded(name: str, dtype: torch.dtype) -> None:
    asked, _ = FUNCTIONS[name]
    a, b = (torch.from_numpy(one).to(dtype) for one in _pairs(np.float32))
    with replaced(ROWS):
        assert same(asked(a, b).float(), asked(a.float(), b.float()).to(dtype).float())


def test_forms() -> None:
    a, b = (torch.from_numpy(one) for one in _pairs(np.float32))
    with replaced(ROWS):
        for into in (torch.empty_like(a), torch.empty(0), torch.empty(2 * len(a))[::2]):
            assert same(torch.maximum(a, b, out=into).contiguous(), torch.maximum(a, b))
            assert same(torch.clamp(a, -1, 1, out=into).contiguous(), a.clamp(-1, 1))
        assert same(a.clone().relu_(), a.relu())
        assert same(a.clone().clamp_(min=b), a.clamp(min=b))
        assert same(F.hardtanh(a.clone(), inplace=True), F.hardtanh(a))
        assert same(F.hardswish(a.clone(), inplace=True), F.hardswish(a))
        assert same(F.hardsigmoid(a.clone(), inplace=True), F.hardsigmoid(a))
        assert same(a.clone().div_(b, rounding_mode="floor"), a // b)
        assert same(a.clone().floor_divide_(b), a // b)
        assert same(torch.ops.aten.div.Scalar_mode(a, 0.7, rounding_mode="floor"), a // 0.7)


def test_integers_and_types() -> None:
    n = torch.arange(-3, 4)
    with replaced(ROWS):
        assert n.clamp(-1, 2).equal(torch.tensor([-1, -1, -1, 0, 1, 2, 2]))
        assert n.clamp(-1.5, 2).equal(torch.tensor([-1.5, -1.5, -1, 0, 1, 2, 2]))
        assert n.clamp(min=0.5).dtype == torch.float32
        assert n.relu().equal(torch.tensor([0, 0, 0, 0, 1, 2, 3]))
        assert (n // 2).dtype == torch.int64
        assert torch.maximum(n, n.double() + 0.5).dtype == torch.float64
        assert torch.maximum(n, n.flip(0)).equal(n.abs())
        assert n.amax() == 3
        assert (n > 0).amax(0)
        assert torch.ones(2, 3).half().clamp_max(1.5).dtype == torch.float16
        assert torch.ones(2, 3).clamp(min=torch.zeros(3)).shape == (2, 3)
        assert torch.div(torch.ones(2, 3), 2, rounding_mode=None).equal(torch.full((2, 3), 0.5))
        with pytest.raises(RuntimeError):
            n.clone().clamp_(0.5)
        with pytest.raises(RuntimeError):
            F.softshrink(torch.ones(2), -1.0)
        with pytest.raises(RuntimeError):
            n.clamp()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 2, 5, 16, 17, 255, 257, 600])
def test_extremes_as_defined(n: int, dtype: Any) -> None:
    generator = np.random.default_rng(n)
    x = generator.normal(size=(40, n)).astype(dtype)
    x[0] = -0.0
    x[1] = -np.abs(x[1])
    x[1, generator.integers(n)], x[1, generator.integers(n)] = -0.0, 0.0
    x[2] = np.abs(x[2])
    x[2, generator.integers(n)], x[2, generator.integers(n)] = 0.0, -0.0
    x[3, n // 2] = np.nan
    x[4], x[5, n // 2] = -np.inf, np.inf
    high, low = reference.amax(x), reference.amin(x)
    rows, columns = torch.from_numpy(x), torch.from_numpy(np.ascontiguousarray(x.T))
    for given, dim in ((rows, 1), (columns, 0)):
        check(high, reductions.amax, given, [dim])
        check(low, reductions.amin, given, [dim])
    clean = rows[[0, 1, 2, 4, *range(6, 40)]]
    with replaced(ROWS):
        assert same(clean.max(), reference.amax(clean.numpy().reshape(-1)))
        assert same(clean.min(), reference.amin(clean.numpy().reshape(-1)))
        assert same(torch.aminmax(rows, dim=1)[0], low)
        assert same(torch.aminmax(rows, dim=1).max, high)
        assert torch.aminmax(rows, dim=1, keepdim=True).max.shape == (40, 1)
        assert torch.aminmax(rows).max.isnan()
        assert same(torch.amax(rows, 1, out=torch.empty(0, dtype=rows.dtype)), high)
        assert same(rows.bfloat16().amax(1).float(), torch.from_numpy(high).bfloat16().float())
        assert same(torch.from_numpy(x.reshape(4, 10, n)).amax((0, 2)), high.reshape(4, 10).max(0))


@pytest.mark.deep
def test_extremes_of_many_numbers() -> None:
    x = torch.randn(65536 * 17 + 3, generator=torch.Generator().manual_seed(0))
    with replaced(ROWS):
        for given in (x, x[: 65536 * 16].view(-1, 16)):
            assert given.amax().item() == given.max().item() == given.numpy().max()
            assert given.amin().item() == given.numpy().min()
        columns = x[: 65536 * 16].view(-1, 16)
        assert np.array_equal(columns.amax(0).numpy(), columns.numpy().max(0))


def test_errors_are_torchs() -> None:
    with replaced(ROWS):
        with pytest.raises((RuntimeError, IndexError)):
            torch.ones(0).amax()
        with pytest.raises((RuntimeError, IndexError)):
            torch.ones(2, 2).amax((1, 1))
        with pytest.raises(RuntimeError):
            torch.ones(2).clamp_(min=torch.ones(2, 2))


def test_gradients() -> None:
    generator = torch.Generator().manual_seed(0)
    x = (torch.randn(31, generator=generator, dtype=torch.float64) * 4).requires_grad_()
    y = torch.randn(31, generator=generator, dtype=torch.float64).requires_grad_()
    functions: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (
        *(torch.maximum, torch.minimum, torch.fmax, torch.fmin, lambda a, b: a.relu()),
        *(lambda a, b: a.clamp(-1, 2), lambda a, b: a.clamp(b, b + 1)),
        *(lambda a, b: F.softshrink(a), lambda a, b: F.hardsigmoid(a)),
        *(lambda a, b: F.hardswish(a), lambda a, b: F.hardtanh(a), lambda a, b: a.amax()),
        *(lambda a, b: a.min(), lambda a, b: a.amin()),
        *(lambda a, b: torch.special.erfinv(torch.tanh(a) * 0.9), lambda a, b: torch.sinc(a * b)),
    )
    with replaced(ROWS):
        for function in functions:
            assert torch.autograd.gradcheck(function, (x, y))


def test_a_quotient_that_rounds_to_an_integer_is_below_it() -> None:
    generator = np.random.default_rng(0)
    b = generator.normal(size=20000).astype(np.float32)
    n = generator.integers(-1000, 1000, 20000).astype(np.float32)
    a = np.nextafter(n * b, generator.choice([-np.inf, np.inf], 20000).astype(np.float32))
    exact = np.floor(a.astype(np.longdouble) / b.astype(np.longdouble))
    with replaced(ROWS):
        got = (torch.from_numpy(a) // torch.from_numpy(b)).numpy()
    assert np.array_equal(got, exact.astype(np.float32))


def test_relu_and_its_derivative_of_zeros() -> None:
    x = torch.tensor([0.0, -0.0, torch.nan, 1.0, -1.0]).requires_grad_()
    with replaced(ROWS):
        y = F.relu(x)
        y.sum().backward()
    assert y.detach().signbit().tolist() == [False] * 5
    assert y[2].isnan()
    assert x.grad is not None
    assert x.grad[[0, 1, 3, 4]].tolist() == [0, 0, 1, 0]


def test_every_tier_chooses_alike_in_any_place() -> None:
    a = torch.tensor([0.0, -0.0] * 40)
    want = Loop("maximum")((a, a.flip(0)))
    for tier in core.tiers():
        with core.using(tier):
            assert same(Loop("maximum")((a, a.flip(0))), want)
    assert not want.signbit().any()
