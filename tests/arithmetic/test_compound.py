"""Products and sums in one, and the optimizers that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from samebits.arithmetic import compound, core, elementwise, optimizers, powers
from samebits.arithmetic.reference.rounding import fma

from .replaced import replaced

ROWS = (*elementwise.ROWS, *compound.ROWS, *optimizers.ROWS)
Array = Any


def _lerp(a: Array, b: Array, w: Array) -> Array:
    return np.where(np.abs(w) < 0.5, fma(w, b - a, a), fma(w - a.dtype.type(1), b - a, b))


#: What torch is asked, and what it is: of three tensors.
COMPOUNDS: dict[str, tuple[Callable[..., Tensor], Callable[..., Array]]] = {
    "add": (lambda a, b, c: torch.add(a, b, alpha=0.3), lambda a, b, c, f: fma(f(0.3), b, a)),
    "sub": (lambda a, b, c: torch.sub(a, b, alpha=0.3), lambda a, b, c, f: fma(f(-0.3), b, a)),
    "rsub": (lambda a, b, c: torch.rsub(a, b, alpha=0.3), lambda a, b, c, f: fma(f(-0.3), a, b)),
    "add 1": (torch.Tensor.add, lambda a, b, c, f: a + b),
    "add number": (lambda a, b, c: torch.add(a, 1.7, alpha=0.3), lambda a, b, c, f: fma(f(0.3), f(1.7), a)),
    "addcmul": (lambda a, b, c: torch.addcmul(a, b, c, value=0.3), lambda a, b, c, f: fma(f(0.3) * b, c, a)),
    "addcdiv": (lambda a, b, c: torch.addcdiv(a, b, c, value=0.3), lambda a, b, c, f: a + (f(0.3) * b) / c),
    "lerp": (torch.lerp, lambda a, b, c, f: _lerp(a, b, c)),
    "lerp 0.1": (lambda a, b, c: torch.lerp(a, b, 0.1), lambda a, b, c, f: _lerp(a, b, f(0.1))),
    "lerp 0.9": (lambda a, b, c: torch.lerp(a, b, 0.9), lambda a, b, c, f: _lerp(a, b, f(0.9))),
}
COMPOUNDS["add 1"] = (lambda a, b, c: torch.add(a, b), COMPOUNDS["add 1"][1])
FOREACH: dict[str, Callable[[list[Tensor], list[Tensor], list[Tensor]], Any]] = {
    "add": lambda a, b, c: torch._foreach_add(a, b, alpha=0.3),
    "sub": lambda a, b, c: torch._foreach_sub(a, b, alpha=0.3),
    "addcmul": lambda a, b, c: torch._foreach_addcmul(a, b, c, value=0.3),
    "addcdiv": lambda a, b, c: torch._foreach_addcdiv(a, b, c, value=0.3),
    "lerp": lambda a, b, c: torch._foreach_lerp(a, b, c),
    "lerp 0.1": lambda a, b, c: torch._foreach_lerp(a, b, 0.1),
}


def _three(n: int, dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(n)
    return [torch.randn(n, generator=generator, dtype=torch.float64).to(dtype) for _ in range(3)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", COMPOUNDS)
def test_as_defined_in_every_tier(name: str, dtype: torch.dtype) -> None:
    asked, is_ = COMPOUNDS[name]
    a, b, c = _three(1003, dtype)
    want = torch.from_numpy(is_(a.numpy(), b.numpy(), c.numpy(), a.numpy().dtype.type))
    with replaced(ROWS):
        for tier in core.tiers():
            with core.using(tier):
                assert asked(a, b, c).equal(want)
                for n in (*range(1, 68), 500):
                    assert asked(a[:n], b[:n], c[:n]).equal(want[:n])
        grid = [x[:1000].view(10, 100) for x in (a, b, c)]
        for laid in (
            [x.t().contiguous().t() for x in grid],
            [grid[0].t().contiguous().t(), grid[1], grid[2]],
            [grid[0], grid[1].repeat_interleave(2, 1)[:, ::2], grid[2].t().contiguous().t()],
        ):
            assert asked(*laid).equal(want[:1000].view(10, 100))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", COMPOUNDS)
def test_halves_are_float32_rounded(name: str, dtype: torch.dtype) -> None:
    asked, _ = COMPOUNDS[name]
    halves = _three(1003, dtype)
    with replaced(ROWS):
        assert asked(*halves).equal(asked(*(x.float() for x in halves)).to(dtype))


@pytest.mark.parametrize("name", COMPOUNDS)
def test_threads(name: str) -> None:
    asked, _ = COMPOUNDS[name]
    three, before = _three(70001, torch.float32), torch.get_num_threads()
    with replaced(ROWS):
        results = []
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(asked(*three))
        torch.set_num_threads(before)
    assert results[0].equal(results[1])
    assert results[0].equal(results[2])


def test_forms() -> None:
    a, b, c = _three(100, torch.float32)
    with replaced(ROWS):
        want = torch.addcmul(a, b, c, value=0.3)
        assert a.clone().addcmul_(b, c, value=0.3).equal(want)
        assert torch.addcmul(a, b, c, value=0.3, out=torch.empty(100)).equal(want)
        into = b.clone()
        assert torch.addcmul(a, into, c, value=0.3, out=into).equal(want)
        assert a.clone().lerp_(b, 0.1).equal(torch.lerp(a, b, 0.1))
        assert a.clone().add_(b, alpha=0.3).equal(torch.add(a, b, alpha=0.3))
        assert a.clone().sub_(b, alpha=0.3).equal(torch.sub(a, b, alpha=0.3))
        shared = torch.randn(101, generator=torch.Generator().manual_seed(0))
        apart = torch.add(shared[:100], shared[1:], alpha=0.3)
        assert torch.add(shared[:100], shared[1:], alpha=0.3, out=shared[:100]).equal(apart)
        with pytest.raises(RuntimeError):
            torch.ones(3).add_(torch.ones(2, 3), alpha=2.0)


def test_broadcasting_and_types() -> None:
    a, b, _ = _three(12, torch.float32)
    a, b = a.view(3, 4), b[:4]
    with replaced(ROWS):
        assert torch.add(a, b, alpha=0.3).equal(torch.add(a, b.expand(3, 4).contiguous(), alpha=0.3))
        assert torch.add(b, a, alpha=0.3).equal(torch.add(b.expand(3, 4).contiguous(), a, alpha=0.3))
        assert torch.add(a, b.double(), alpha=0.3).dtype == torch.float64
        assert torch.add(a.half(), 1.5, alpha=0.3).dtype == torch.float16
        assert torch.add(torch.arange(3), torch.arange(3), alpha=3).equal(torch.tensor([0, 4, 8]))
        assert torch.add(torch.arange(3), 0.5, alpha=3).equal(torch.tensor([1.5, 2.5, 3.5]))
        assert torch.add(a, torch.tensor(2.0), alpha=0.5).equal(a + 1)
        assert torch.add(torch.ones(2, dtype=torch.complex64), torch.ones(2), alpha=2).is_complex()
        assert torch.addcmul(torch.arange(3), torch.arange(3), torch.arange(3), value=2).dtype == torch.int64


@pytest.mark.parametrize("name", FOREACH)
def test_lists_are_the_single_operations(name: str) -> None:
    lists = [list(x) for x in zip(*(_three(n, torch.float32) for n in (1, 15, 67, 1000)), strict=True)]
    with replaced(ROWS):
        together = FOREACH[name](*lists)
        for one, a, b, c in zip(together, *lists, strict=True):
            assert one.equal(COMPOUNDS[name][0](a, b, c))


@pytest.mark.parametrize("name", COMPOUNDS)
def test_gradients(name: str) -> None:
    asked, _ = COMPOUNDS[name]
    three = [(x.abs() + 0.3).requires_grad_() for x in _three(7, torch.float64)]
    with replaced(ROWS), torch.random.fork_rng():
        assert torch.autograd.gradcheck(asked, three)


def test_roots_are_rounded_correctly() -> None:
    """torch's own, MKL's, are not."""
    x = _three(100000, torch.float32)[0].abs()
    with replaced(ROWS):
        assert np.array_equal(x.sqrt().numpy(), np.sqrt(x.numpy()))
        assert np.array_equal(x.rsqrt().numpy(), 1 / np.sqrt(x.numpy()))
        assert np.array_equal(x.double().sqrt().numpy(), np.sqrt(x.double().numpy()))


def _trained(kind: Any, dtype: torch.dtype, **options: Any) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes: list[tuple[int, ...]] = [(3, 5), (67,), (), (33, 33)]
    some = [torch.randn(shape, generator=generator).to(dtype) for shape in shapes]
    some[3] = some[3].t()
    parameters = [x.requires_grad_() for x in some]
    optimizer = kind(parameters, **options)
    for _ in range(4):
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape, generator=generator).to(dtype)
        optimizer.step()
    return [parameter.detach() for parameter in parameters]


def _same(some: list[Tensor], others: list[Tensor]) -> bool:
    return all(a.equal(b) for a, b in zip(some, others, strict=True))


OPTIMIZERS: list[tuple[Any, dict[str, Any]]] = [
    (torch.optim.Adam, {}),
    (torch.optim.Adam, {"weight_decay": 0.1, "amsgrad": True, "maximize": True}),
    (torch.optim.Adam, {"betas": (0.3, 0.4)}),
    (torch.optim.AdamW, {"weight_decay": 0.1}),
    (torch.optim.AdamW, {"weight_decay": 0.1, "amsgrad": True}),
    (torch.optim.SGD, {"lr": 0.1}),
    (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "maximize": True}),
    (torch.optim.Adagrad, {"lr_decay": 0.1, "weight_decay": 0.1}),
]


@pytest.fixture
def _steps() -> Iterator[None]:
    """Powers of steps as the mode has them."""
    installed = powers.Powers()
    installed.install()
    yield
    installed.uninstall()


@pytest.mark.usefixtures("_steps")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(("kind", "options"), OPTIMIZERS)
def test_fused_optimizers_are_the_loops(kind: Any, options: dict[str, Any], dtype: torch.dtype) -> None:
    with replaced(ROWS):
        loop = _trained(kind, dtype, foreach=False, **options)
        for tier in core.tiers():
            with core.using(tier):
                assert _same(_trained(kind, dtype, fused=True, **options), loop)
        if dtype != torch.bfloat16:  # whose products with numbers torch rounds otherwise in lists
            assert _same(_trained(kind, dtype, foreach=True, **options), loop)


@pytest.mark.usefixtures("_steps")
@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD])
def test_a_learning_rate_in_a_tensor(kind: Any) -> None:
    with replaced(ROWS):
        for dtype in (torch.float32, torch.float64):
            loop = _trained(kind, dtype, lr=torch.tensor(0.01), foreach=False)
            assert _same(_trained(kind, dtype, lr=torch.tensor(0.01), fused=True), loop)


@pytest.mark.parametrize(
    "kind", [torch.optim.RMSprop, torch.optim.Adadelta, torch.optim.Adamax, torch.optim.Rprop]
)
def test_lists_of_other_optimizers_are_the_loops(kind: Any) -> None:
    with replaced(ROWS):
        for dtype in (torch.float32, torch.float64):
            assert _same(_trained(kind, dtype, foreach=True), _trained(kind, dtype, foreach=False))


def test_a_fused_optimizer_divides_by_the_scale_and_skips_infinities() -> None:
    with replaced(ROWS):
        p, g = torch.ones(5), torch.full((5,), 8.0)
        options: dict[str, Any] = {
            "weight_decay": 0.0,
            "momentum": 0.0,
            "lr": 0.5,
            "dampening": 0.0,
            "nesterov": False,
            "maximize": False,
            "is_first_step": False,
        }
        torch._fused_sgd_([p], [g], [], **options, found_inf=torch.tensor(1.0))
        assert p.equal(torch.ones(5))
        torch._fused_sgd_([p], [g], [], **options, grad_scale=torch.tensor(4.0), found_inf=torch.tensor(0.0))
        assert p.equal(torch.zeros(5))
        assert g.equal(torch.full((5,), 2.0))
