"""Operations on elements through torch: types, layouts, threads, forms; and torch's own special values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from samebits.arithmetic import activations, core, elementwise
from samebits.arithmetic.elementwise import Loop

from .replaced import replaced

ROWS = (*elementwise.ROWS, *activations.ROWS)
NAMES = [
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "sin",
    "cos",
    "tan",
    "tanh",
    "sigmoid",
    "erf",
    "erfc",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "sinh",
    "cosh",
    "asinh",
    "acosh",
    "atanh",
    "atan",
    "asin",
    "acos",
]
FLOATS = (torch.float32, torch.float64, torch.bfloat16, torch.float16)

Function = Callable[..., Tensor]
FUNCTIONS: dict[str, Function] = {
    **{name: getattr(torch, name) for name in NAMES},
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "softplus": lambda x: F.softplus(x, 2.0, 15.0),
    "logsigmoid": F.logsigmoid,
    "elu": lambda x: F.elu(x, 0.7),
    "selu": F.selu,
    "celu": lambda x: F.celu(x, 0.7),
    "glu": lambda x: F.glu(torch.stack((x, x.flip(0))), 0),
    "logit": lambda x: torch.logit(x, 0.1),
    "xlogy": lambda x: torch.xlogy(x, x + 1),
    **{f"pow {p}": lambda x, p=p: x.pow(p) for p in (0.5, 2, 3, -0.5, -1, -2, 1.7, 0, 1, 4)},
    **{
        f: (lambda x, f=f: getattr(torch, f)(x, x * 0.3 + 1))
        for f in ("atan2", "hypot", "logaddexp", "fmod", "remainder")
    },
    "hardswish": F.hardswish,
    "2 pow": lambda x: torch.pow(2.5, x),
    "x pow x": lambda x: torch.pow(x, x),
}
TWO = ("xlogy", "atan2", "hypot", "logaddexp", "fmod", "remainder")
SPECIAL = (0.0, -0.0, 1.0, -1.0, 3.5, -3.5, 200.0, -200.0, 5e4, -5e4, torch.inf, -torch.inf, torch.nan)


def _bits(x: Tensor) -> Tensor:
    return torch.where(x.isnan(), torch.nan, x).contiguous().view(torch.uint8)


def _numbers(n: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    numbers = torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 4
    numbers[: len(SPECIAL)] = torch.tensor(SPECIAL, dtype=torch.float64)[:n]
    return numbers.to(dtype)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values_and_sizes_are_torchs(name: str) -> None:
    x = _numbers(64)
    if name == "gelu":
        x[x == torch.inf] = 3.0  # where torch's vectors give NaN
    want = FUNCTIONS[name](x)
    with replaced(ROWS):
        got = FUNCTIONS[name](x)
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    assert got.isnan().equal(want.isnan())
    assert torch.where(want == 0, got.signbit(), False).equal(torch.where(want == 0, want.signbit(), False))
    torch.testing.assert_close(got, want, rtol=2e-5, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_length_tier_and_number_of_threads(name: str) -> None:
    x, before = _numbers(70000), torch.get_num_threads()
    with replaced(ROWS):
        whole = FUNCTIONS[name](x) if name != "glu" else None
        for tier in core.tiers():
            if tier == "plain" and core.tiers() != ["plain"]:
                continue  # slow, and tested against the definition
            try:
                with core.using(tier):
                    for threads in (1, 2, 3):
                        torch.set_num_threads(threads)
                        if whole is not None:
                            assert _bits(FUNCTIONS[name](x)).equal(_bits(whole))
                    for n in (*range(1, 68), 255, 257, 1025):
                        part = FUNCTIONS[name](x[:n])
                        if whole is not None:
                            assert _bits(part).equal(_bits(whole[:n]))
            finally:
                torch.set_num_threads(before)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "glu"])
def test_layouts(name: str) -> None:
    f = FUNCTIONS[name]
    x = _numbers(2 * 3 * 8 * 10).view(2, 3, 8, 10)
    with replaced(ROWS):
        want = f(x)
        for laid in (
            x.transpose(1, 3).contiguous().transpose(1, 3),
            x.contiguous(memory_format=torch.channels_last),
            x.repeat_interleave(2, -1)[..., ::2],
            torch.stack((x, x), 2)[:, :, 1],
        ):
            assert _bits(f(laid)).equal(_bits(want))
        assert _bits(f(x[:1, :1, :1].expand(2, 3, 8, 10))).equal(_bits(f(x[:1, :1, :1]).expand(2, 3, 8, 10)))
        assert f(x.contiguous(memory_format=torch.channels_last)).is_contiguous(
            memory_format=torch.channels_last
        )
        assert f(x[:0]).shape == (0, 3, 8, 10)
        assert f(torch.tensor(0.25)).shape == ()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_halves_are_float32_rounded(name: str, dtype: torch.dtype) -> None:
    x = _numbers(1300, dtype)
    with replaced(ROWS):
        if name in TWO:
            f = getattr(torch, name)
            got, want = f(x, x.flip(0)), f(x.float(), x.float().flip(0))
        else:
            got, want = FUNCTIONS[name](x), FUNCTIONS[name](x.float())
    assert got.dtype == dtype
    if name in ("pow 3", "pow 0", "pow 1"):
        torch.testing.assert_close(got, want.to(dtype), equal_nan=True)
    else:
        assert _bits(got).equal(_bits(want.to(dtype)))


@pytest.mark.parametrize("name", NAMES)
def test_forms(name: str) -> None:
    f, x = getattr(torch, name), _numbers(300).abs()
    with replaced(ROWS):
        want = f(x)
        inplace = x.clone()
        assert getattr(inplace, f"{name}_")().equal(want) or want.isnan().any()
        assert _bits(inplace).equal(_bits(want))
        out = torch.empty(300)
        assert f(x, out=out) is out
        assert _bits(out).equal(_bits(want))
        assert _bits(f(x, out=torch.empty(0))).equal(_bits(want))
        strided = torch.empty(600)[::2]
        assert _bits(f(x, out=strided).contiguous()).equal(_bits(want))
        assert f(x, out=torch.empty(300, dtype=torch.float64)).dtype == torch.float64
        halves = torch.arange(20.0)
        overlapping = f(halves[1:11])
        f(halves[1:11], out=halves[1:11])
        assert _bits(halves[1:11].clone()).equal(_bits(overlapping))
        with pytest.raises(RuntimeError, match="can't be cast"):
            f(x, out=torch.empty(300, dtype=torch.int64))
        with pytest.warns(UserWarning, match="was resized"):
            assert f(x, out=torch.empty(7)).shape == (300,)
        integers = torch.arange(1, 9)
        assert _bits(f(integers)).equal(_bits(f(integers.float())))


def test_integers_powers_are_torchs() -> None:
    x = torch.arange(-3, 4)
    with replaced(ROWS):
        assert x.pow(2).equal(torch.tensor([9, 4, 1, 0, 1, 4, 9]))
        assert torch.pow(2, x.abs()).equal(torch.tensor([8, 4, 2, 1, 2, 4, 8]))
        assert x.pow(x.abs()).dtype == torch.int64
        assert x.pow(0.5).dtype == torch.float32
        assert (x.float() ** x).dtype == torch.float32
        assert torch.pow(torch.arange(1, 4.0)[:, None], torch.arange(3.0)).shape == (3, 3)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    positive = name.startswith(("log", "pow", "x pow", "sqrt", "rsqrt", "xlogy"))
    x = torch.rand(9, dtype=torch.float64, generator=generator) * (0.7 if positive else 2)
    x = (x + 1.15 if name == "acosh" else x + 0.15 if positive else x * 0.9 - 0.95).requires_grad_()
    with replaced(ROWS), torch.random.fork_rng():
        assert torch.autograd.gradcheck(FUNCTIONS[name], (x,))
        if name not in ("glu", "gelu", "gelu_tanh", "mish"):
            assert torch.autograd.gradgradcheck(FUNCTIONS[name], (x,))


@pytest.mark.parametrize(
    "name", ["gelu", "gelu_tanh", "silu", "mish", "softplus", "logsigmoid", "elu", "selu", "celu"]
)
def test_derivatives_are_near_torchs(name: str) -> None:
    x = torch.linspace(-12, 12, 4001).requires_grad_()
    exact = x.detach().double().requires_grad_()
    FUNCTIONS[name](exact).sum().backward()
    with replaced(ROWS):
        FUNCTIONS[name](x).backward(torch.ones(4001))
    assert x.grad is not None
    assert exact.grad is not None
    assert (x.grad - exact.grad).abs().max() < 5e-7


def test_inplace_elu_takes_its_result() -> None:
    x = torch.linspace(-3, 3, 33)
    with replaced(ROWS):
        a = x.clone().requires_grad_()
        F.elu(a * 1, inplace=True).sum().backward()
        b = x.clone().requires_grad_()
        F.elu(b).sum().backward()
        torch.testing.assert_close(a.grad, b.grad)


def test_glu_and_its_forms() -> None:
    x = torch.randn(4, 6, 10, generator=torch.Generator().manual_seed(0))
    with replaced(ROWS):
        for dim in (0, 1, 2, -1):
            a, b = x.chunk(2, dim)
            assert F.glu(x, dim).equal(Loop("glu")((a.contiguous(), b.contiguous())))
        with pytest.raises(RuntimeError):
            F.glu(x[:, :, :9])


def test_what_torch_refuses_it_still_refuses() -> None:
    with replaced(ROWS):
        with pytest.raises(RuntimeError):
            torch.exp_(torch.arange(3))
        with pytest.raises(RuntimeError):
            torch.ones(3).pow_(torch.ones(2, 3))
        with pytest.raises(RuntimeError):
            torch.pow(torch.ones(3), torch.ones(4))
        assert torch.exp(torch.ones(2, dtype=torch.complex64)).dtype == torch.complex64


def test_a_loop_knows_its_name() -> None:
    x: Any = (torch.ones(3),)
    with pytest.raises(KeyError):
        Loop("absent")(x)
