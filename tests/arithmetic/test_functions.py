"""The functions of one and two numbers: their definition, every tier, their accuracy."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from samebits.arithmetic import core
from samebits.arithmetic.elementwise import Loop
from samebits.arithmetic.reference import functions as single
from samebits.arithmetic.reference import inverse, trigonometric, wide

Array = NDArray[Any]

SPECIAL = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, 20.0, -20.0, 88.5, -87.5, -103.9, 128.0, -149.5),
    *(1e-45, -1e-45, 1e-39, -1e-39, 1.2e-38, 1e-30, 3.4e38, -3.4e38, np.inf, -np.inf, np.nan, 2.0**28, 1e10),
)
SMALL = {
    name: (getattr(single, name), getattr(wide, name))
    for name in (
        *("exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "tanh", "sigmoid", "erf", "gelu"),
        *("gelu_tanh", "silu", "mish", "logsigmoid"),
    )
}
SLOPES = ("gelu", "gelu_tanh", "silu", "mish")


def _rounded(function: Callable[..., Array]) -> Callable[..., Array]:
    """Computed in float64, and rounded to float32."""
    return lambda x: function(x.astype(np.float64)).astype(np.float32)


def _both(name: str) -> Reference:
    function = getattr(inverse if hasattr(inverse, name) else wide, name)
    return _rounded(function), function


def _angle(name: str) -> Reference:
    return partial(trigonometric.of_single, name), partial(trigonometric.of_double, name)


Reference = tuple[Callable[..., Array], Callable[..., Array]]
INVERSES = ("sinh", "cosh", "asinh", "acosh", "atanh", "atan", "asin", "acos")
#: Of one input: what the loop computes in float32 and in float64, and its parameters.
UNARY: dict[str, tuple[Reference, tuple[float, ...]]] = {
    **{name: (both, ()) for name, both in SMALL.items()},
    **{name: (_both(name), ()) for name in ("erfc", *INVERSES)},
    **{name: (_angle(name), ()) for name in ("sin", "cos", "tan")},
    "softplus": (
        (lambda x: single.softplus(x, 1.5, 20.0), lambda x: wide.softplus(x, 1.5, 20.0)),
        (1.5, 20.0),
    ),
    "pow_scalar": (
        (
            lambda x: trigonometric.pow_single(x, np.full_like(x, 2.5)),
            lambda x: trigonometric.pow_double(x, np.full_like(x, 2.5)),
        ),
        (2.5,),
    ),
    "erfinv": ((_rounded(inverse.erfinv_near), inverse.erfinv), ()),
    "sinc": ((_rounded(trigonometric.sinc), trigonometric.sinc), ()),
    "sqrt": ((np.sqrt, np.sqrt), ()),
    "rsqrt": ((lambda x: 1 / np.sqrt(x), lambda x: 1 / np.sqrt(x)), ()),
}


def _numbers(n: int, dtype: Any, seed: int = 0) -> Array:
    """Of every size, special ones among them."""
    generator = np.random.default_rng(seed)
    whole = np.uint32 if dtype is np.float32 else np.uint64
    any_bits = generator.integers(0, np.iinfo(whole).max, n // 2, whole, endpoint=True).view(dtype)
    usual = generator.normal(size=n - n // 2) * generator.choice([0.1, 1, 10], n - n // 2)
    return np.concatenate([np.array(SPECIAL, dtype), any_bits, usual.astype(dtype)])


def _same(got: Array, want: Array) -> None:
    assert got.dtype == want.dtype
    integer = np.int32 if got.dtype == np.float32 else np.int64
    different = (got.view(integer) != want.view(integer)) & ~(np.isnan(got) & np.isnan(want))
    assert not different.any(), (np.flatnonzero(different)[:5], got[different][:5], want[different][:5])


def _computed(name: str, p: tuple[float, ...], *inputs: Array) -> Array:
    result: Array = Loop(name)(tuple(map(torch.from_numpy, inputs)), p).numpy()
    return result


@pytest.mark.parametrize("tier", core.tiers())
@pytest.mark.parametrize("name", UNARY)
def test_float32_as_defined(name: str, tier: str) -> None:
    (reference, _), p = UNARY[name]
    x = _numbers(5000, np.float32)
    with core.using(tier), np.errstate(all="ignore"):
        _same(_computed(name, p, x), reference(x))


@pytest.mark.parametrize("name", UNARY)
def test_float64_as_defined(name: str) -> None:
    (_, reference), p = UNARY[name]
    x = _numbers(200, np.float64)
    with np.errstate(all="ignore"):
        want = reference(x)
    for tier in core.tiers():
        with core.using(tier):
            _same(_computed(name, p, x), want)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_powers_as_defined(dtype: Any) -> None:
    reference = trigonometric.pow_single if dtype is np.float32 else trigonometric.pow_double
    some = np.array([*SPECIAL, 2.5, -3.0, 7.0, 1.0000001, 16777217.0], dtype)
    x, y = (grid.reshape(-1) for grid in np.meshgrid(some, some))
    more = np.random.default_rng(0).normal(size=(2, 300)).astype(dtype)
    x, y = np.concatenate([x, np.exp(more[0])]), np.concatenate([y, 20 * more[1]])
    with np.errstate(all="ignore"):
        want = reference(x, y)
    for tier in core.tiers():
        with core.using(tier):
            _same(_computed("pow", (), x, y), want)
    with np.errstate(all="ignore"):
        exact = np.power(x.astype(np.float64), y).astype(dtype)
    np.testing.assert_allclose(want, exact, rtol=1e-6, atol=1e-44)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["atan2", "hypot", "logaddexp", "fmod"])
def test_functions_of_two_numbers_as_defined(name: str, dtype: Any) -> None:
    some = np.array([*SPECIAL, 2.5, -3.0, 7.0, 0.3], dtype)
    x, y = (grid.reshape(-1) for grid in np.meshgrid(some, some))
    with np.errstate(all="ignore"):
        if name == "fmod":
            want = np.fmod(x, y)
        elif name == "logaddexp":
            want = inverse.logaddexp(x, y, single if dtype is np.float32 else wide)
        elif name == "hypot" and dtype is np.float32:
            want = inverse.hypot_single(x, y)
        else:
            want = getattr(inverse, name)(x.astype(np.float64), y.astype(np.float64)).astype(dtype)
        exact = {"atan2": np.arctan2, "hypot": np.hypot, "logaddexp": np.logaddexp, "fmod": np.fmod}[name](
            x, y
        )
    for tier in core.tiers():
        with core.using(tier):
            _same(_computed(name, (), x, y), want)
    np.testing.assert_allclose(want, exact, rtol=1e-6, atol=1e-44)


@pytest.mark.parametrize("name", SLOPES)
def test_slopes_as_defined(name: str) -> None:
    for dtype, module, n in ((np.float32, single, 10000), (np.float64, wide, 150)):
        x = _numbers(n, dtype)
        grad = _numbers(n, dtype, seed=1)[::-1].copy()
        with np.errstate(all="ignore"):
            want = grad * getattr(module, f"{name}_slope")(x)
        for tier in core.tiers():
            with core.using(tier):
                _same(_computed(f"{name}_backward", (), grad, x), want)


def _ulps(got: Array, want: Array) -> Array:
    """The error of float32 numbers in units of the last place of the exact result."""
    _, exponent = np.frexp(want)
    return np.abs(np.ldexp(got.astype(np.float64) - want, -np.maximum(exponent - 24, -149)))


_erf_of: Callable[[Array], Array] = np.vectorize(math.erf, otypes=[np.float64])
_erfc_of: Callable[[Array], Array] = np.vectorize(math.erfc, otypes=[np.float64])

#: numpy's function in float64, and the largest error in ulp.
ACCURACY: dict[str, tuple[Callable[[Array], Array], float]] = {
    **{name: (getattr(np, name), 1.0) for name in ("exp", "exp2", "expm1", "log", "log1p", "log2", "log10")},
    **{name: (getattr(np, name), 0.501) for name in ("sin", "cos", "tan")},
    "tanh": (np.tanh, 1.0),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), 1.0),
    "erf": (_erf_of, 1.0),
    "erfc": (_erfc_of, 0.501),
    **{name: (getattr(np, name), 0.501) for name in ("sinh", "cosh")},
    **{
        f"a{name}": (getattr(np, f"arc{name}"), 0.501)
        for name in ("sinh", "cosh", "tanh", "tan", "sin", "cos")
    },
    "silu": (lambda x: x / (1 + np.exp(-x)), 2.0),
    "erfinv": (lambda x: torch.from_numpy(x).erfinv().numpy(), 0.6),
    "sinc": (np.sinc, 0.501),
}


def _accurate(name: str, x: Array) -> None:
    reference, most = ACCURACY[name]
    with np.errstate(all="ignore"):
        got = _computed(name, (), x).astype(np.float64)
        want = reference(x.astype(np.float64))
        finite = np.isfinite(want.astype(np.float32)) & (want != 0)
    assert _ulps(got[finite], want[finite]).max(initial=0.0) <= most


@pytest.mark.parametrize("name", ACCURACY)
def test_accuracy(name: str) -> None:
    _accurate(name, _numbers(60000, np.float32, seed=2))


@pytest.mark.deep
@pytest.mark.parametrize("name", ACCURACY)
def test_accuracy_of_every_64th_number(name: str) -> None:
    for start in range(0, 1 << 32, 1 << 28):
        _accurate(name, np.arange(start, start + (1 << 28), 64, dtype=np.uint32).view(np.float32))


@pytest.mark.parametrize("name", ["gelu", "gelu_tanh", "mish"])
def test_activations_are_near_what_they_approximate(name: str) -> None:
    x = torch.linspace(-6, 6, 20001, dtype=torch.float64).float()
    exact = getattr(wide, name)
    want = exact(x[::100].double().numpy())
    error = np.abs(_computed(name, (), x[::100].contiguous().numpy()) - want)
    assert (error < 3e-7 * np.maximum(1, np.abs(want))).all()


def test_erfinv_of_float64_is_torchs() -> None:
    near_1, small = 1 - 0.5 ** np.linspace(1, 53, 200), 0.5 ** np.linspace(1, 1000, 50)
    x = np.concatenate([np.linspace(-1, 1, 5001), near_1, small])
    want = torch.from_numpy(x).erfinv().numpy()
    np.testing.assert_allclose(_computed("erfinv", (), x), want, rtol=1e-14)
