"""`samebits.random.exactmath`: accurate, and the same bits in C and in torch."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import pytest
import torch
from torch import Tensor

from samebits.random import exactmath

from .compiled import library

#: C with other instructions gives the same bits; with FMA there, none may be used.
OPTIONS = [(), ("-mavx2", "-mfma")]

EDGES = [
    *(0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0, 0.5, 0.25, 2.0, 5e-324, -5e-324),
    *(2.0**-1022, 2.0**-1022 - 5e-324, 1.7976931348623157e308, -1.7976931348623157e308),
    *(math.sqrt(0.5), math.nextafter(math.sqrt(0.5), 0), 709.782712893384, 709.7827128933841),
    *(-745.1332191019411, -745.1332191019412, -708.4, 1e300, -1e300, 1e-300, -1e-300, 15.0, 16.0),
    *(math.nextafter(1, 0), math.nextafter(1, 2), math.nextafter(-1, 0), 2.0**-53, 0.0625, 0.1),
]


def drawn(count: int, seed: int) -> Tensor:
    """Numbers of every exponent: the patterns themselves are drawn."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-(2**63), 2**63 - 1, (count,), generator=generator).view(torch.float64)


def spread(count: int, low: float, high: float, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(count, generator=generator, dtype=torch.float64)


def edges() -> Tensor:
    return torch.tensor(EDGES, dtype=torch.float64)


def portable(seed: int) -> Tensor:
    parts = (drawn(500_000, seed), spread(200_000, 0, 3, seed), spread(200_000, -750, 750, seed))
    return torch.cat((edges(), *parts, spread(100_000, -0.01, 0.01, seed)))


def counts(seed: int) -> Tensor:
    parts = (torch.arange(100_000), torch.exp2(spread(400_000, 0, 60, seed)).floor())
    return torch.cat([part.double() for part in parts])


def fractions(seed: int) -> Tensor:
    return torch.cat((torch.tensor([0.0, 0.5, 0.25]).double(), torch.exp2(spread(500_000, -110, -1, seed))))


ONE: dict[str, Callable[[int], Tensor]] = {
    "sqrt": portable,
    "log": portable,
    "log1p": portable,
    "exp": portable,
    "expm1": portable,
    "cotpi": fractions,
    "stirling": counts,
    "log1p_rest": lambda seed: spread(500_000, -0.999, 3, seed),
}


@pytest.fixture(scope="module", params=OPTIONS, ids=str)
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    import platform

    if request.param and platform.machine() != "x86_64":
        pytest.skip("options of another processor")
    if request.param and "fma" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("a processor without them")
    root = "static double sb_sqrt(double x) { return sqrt(x); }"
    one = "".join(
        f"void each_{name}(double *x, long n) {{ for (long i = 0; i < n; i++) x[i] = sb_{name}(x[i]); }}\n"
        for name in ONE
    )
    two = (
        "void each_deviance(double *x, const double *y, long n)"
        " { for (long i = 0; i < n; i++) x[i] = sb_deviance(x[i], y[i]); }\n"
    )
    return library(
        tmp_path_factory.mktemp("exact"), f'#include "exactmath.h"\n{root}\n{one}{two}', *request.param
    )


def same(a: Tensor, b: Tensor) -> Tensor:
    """NaN's bits are the processor's."""
    return (a.view(torch.int64) == b.view(torch.int64)) | (a.isnan() & b.isnan())


@pytest.mark.parametrize("name", ONE)
def test_c_and_torch_give_the_same_bits(compiled: ctypes.CDLL, name: str) -> None:
    x = ONE[name](1)
    theirs = x.clone()
    getattr(compiled, f"each_{name}")(ctypes.c_void_p(theirs.data_ptr()), ctypes.c_long(len(x)))
    ours = getattr(exactmath, name)(x)
    different = (~same(ours, theirs)).nonzero().flatten()
    assert len(different) == 0, (x[different[:5]], ours[different[:5]], theirs[different[:5]])


def pairs(seed: int) -> tuple[Tensor, Tensor]:
    mean = torch.exp2(spread(500_000, -3, 60, seed))
    around = mean + mean.sqrt() * spread(500_000, -9, 9, seed + 1)
    return around.round().clamp_min(0), mean


def test_c_and_torch_give_the_same_deviance(compiled: ctypes.CDLL) -> None:
    x, mean = pairs(3)
    theirs = x.clone()
    pointers = [ctypes.c_void_p(t.data_ptr()) for t in (theirs, mean)]
    compiled.each_deviance(*pointers, ctypes.c_long(len(x)))
    assert same(exactmath.deviance(x, mean), theirs).all()


def ulps(computed: float, exact: Any) -> float:
    """The error in units of the last place of the exact result; of the smallest subnormal at least."""
    if exact == 0:
        return 0.0 if computed == 0 else math.inf
    exponent = max(int(mpmath.floor(mpmath.log(abs(exact), 2))) - 52, -1074)
    return float(abs(mpmath.mpf(computed) - exact) / mpmath.mpf(2) ** exponent)


def worst(function: Callable[[Tensor], Tensor], exact: Callable[[Any], Any], x: Tensor) -> float:
    with mpmath.workdps(100):
        return max(
            ulps(y, exact(mpmath.mpf(z))) for z, y in zip(x.tolist(), function(x).tolist(), strict=True)
        )


SEARCHED = 3000

ACCURACY = [
    pytest.param("log", mpmath.log, lambda n: drawn(n, 5).abs(), 0.8, id="log-bits"),
    pytest.param("log", mpmath.log, lambda n: spread(n, 0.6, 1.6, 5), 0.8, id="log-near-1"),
    pytest.param("log", mpmath.log, lambda n: edges()[edges() > 0], 0.8, id="log-ends"),
    pytest.param("log1p", lambda x: mpmath.log(1 + x), lambda n: spread(n, -0.9, 2, 6), 1.5, id="log1p"),
    pytest.param(
        "log1p",
        lambda x: mpmath.log(1 + x),
        lambda n: -torch.exp2(spread(n, -200, 0, 7)),
        1.5,
        id="log1p-tiny",
    ),
    pytest.param("exp", mpmath.exp, lambda n: spread(n, -708, 709, 8), 0.9, id="exp"),
    pytest.param("exp", mpmath.exp, lambda n: spread(n, -1, 1, 8), 0.9, id="exp-small"),
    pytest.param("exp", mpmath.exp, lambda n: spread(n, -746, -708, 8), 0.9, id="exp-subnormal"),
    pytest.param("expm1", lambda x: mpmath.exp(x) - 1, lambda n: spread(n, -3, 3, 9), 1.9, id="expm1"),
    pytest.param(
        "expm1",
        lambda x: mpmath.exp(x) - 1,
        lambda n: -torch.exp2(spread(n, -200, 6, 9)),
        1.9,
        id="expm1-negative",
    ),
    pytest.param(
        "cotpi", lambda x: mpmath.cot(mpmath.pi * x), lambda n: spread(n, 0, 0.5, 10), 2.8, id="cotpi"
    ),
    pytest.param(
        "cotpi",
        lambda x: mpmath.cot(mpmath.pi * x),
        lambda n: torch.exp2(spread(n, -110, -2, 10)),
        2.8,
        id="cotpi-tiny",
    ),
]


@pytest.mark.parametrize(("name", "exact", "arguments", "most"), ACCURACY)
def test_errors_stay_below_what_the_docstring_says(
    name: str, exact: Callable[[Any], Any], arguments: Callable[[int], Tensor], most: float
) -> None:
    x = arguments(SEARCHED).double()
    x = x[x.isfinite()]
    assert worst(getattr(exactmath, name), exact, x) <= most


def relative(computed: list[float], exact: list[Any]) -> float:
    return max(float(abs((mpmath.mpf(y) - e) / e)) for y, e in zip(computed, exact, strict=True))


def test_stirlings_remainder_is_accurate() -> None:
    k = torch.cat((torch.arange(1, 200), torch.tensor([1e3, 1e6, 2.0**53]))).double()
    with mpmath.workdps(100):
        exact = [mpmath.loggamma(n + 1) - (n * mpmath.log(n) - n) for n in map(mpmath.mpf, k.tolist())]
        assert relative(exactmath.stirling(k).tolist(), exact) < 2e-15
    assert exactmath.stirling(torch.zeros(1).double()).item() == 0


def test_the_deviance_is_accurate() -> None:
    x, mean = (t[:1000] for t in pairs(4))
    kept = (x > 0) & (x != mean)
    x, mean = x[kept], mean[kept]
    with mpmath.workdps(100):
        exact = [
            a * mpmath.log(a / b) + b - a
            for a, b in zip(map(mpmath.mpf, x.tolist()), map(mpmath.mpf, mean.tolist()), strict=True)
        ]
        assert relative(exactmath.deviance(x, mean).tolist(), exact) < 1e-14
    nothing = exactmath.deviance(torch.zeros(1).double(), torch.tensor([12.5]).double())
    assert nothing.item() == 12.5


def test_the_rest_of_the_logarithm_is_accurate() -> None:
    t = torch.cat((spread(1000, -0.07, 0.07, 12), spread(300, -0.9, 2, 12)))
    with mpmath.workdps(100):
        exact = [mpmath.log(1 + a) - a + a**2 / 2 - a**3 / 3 for a in map(mpmath.mpf, t.tolist())]
        computed = exactmath.log1p_rest(t).tolist()
        # What matters is its error beside 3 * t**2, the size of the terms it is taken from.
        scaled = [
            float(abs(y - e) / a**2)
            for y, e, a in zip(computed, exact, map(mpmath.mpf, t.tolist()), strict=True)
        ]
    assert max(scaled) < 3e-14


INF, NAN = math.inf, math.nan
SPECIAL = {
    "sqrt": [
        (0.0, 0.0),
        (-0.0, -0.0),
        (INF, INF),
        (-1.0, NAN),
        (-INF, NAN),
        (NAN, NAN),
        (4.0, 2.0),
        (2.0**-1074, 2.0**-537),
    ],
    "log": [(0.0, -INF), (-0.0, -INF), (INF, INF), (-1.0, NAN), (-INF, NAN), (NAN, NAN), (1.0, 0.0)],
    "log1p": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-1.0, -INF), (-2.0, NAN), (NAN, NAN), (5e-324, 5e-324)],
    "exp": [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (NAN, NAN), (710.0, INF), (-746.0, 0.0)],
    "expm1": [
        (0.0, 0.0),
        (-0.0, -0.0),
        (INF, INF),
        (-INF, -1.0),
        (NAN, NAN),
        (-800.0, -1.0),
        (5e-324, 5e-324),
    ],
    "cotpi": [(0.0, INF), (0.5, 0.0), (0.25, 1.0)],
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name: str) -> None:
    x, wanted = torch.tensor(SPECIAL[name], dtype=torch.float64).unbind(1)
    computed = getattr(exactmath, name)(x)
    assert same(computed, wanted).all(), computed


def test_shape_and_layout_change_nothing() -> None:
    x = spread(600, 0.1, 3, 11).reshape(20, 30)
    for name in ("log", "exp", "expm1", "log1p"):
        function = getattr(exactmath, name)
        assert torch.equal(function(x.t()), function(x).t())
        assert torch.equal(function(x[3, 4]), function(x)[3, 4])
        assert torch.equal(function(x[:, :3]), function(x)[:, :3])


def test_known_answers() -> None:
    """Kept for ever: every number drawn through them depends on them."""
    x = torch.tensor([0.1, 0.7, 3.0, 1e-310, 1e100], dtype=torch.float64)
    assert [v.hex() for v in exactmath.log(x).tolist()] == KNOWN_LOG
    x = torch.tensor([0.1, -0.7, 30.0, -720.0, 1e-20], dtype=torch.float64)
    assert [v.hex() for v in exactmath.exp(x).tolist()] == KNOWN_EXP
    x = torch.tensor([0.1, 0.3, 1e-30], dtype=torch.float64)
    assert [v.hex() for v in exactmath.cotpi(x).tolist()] == KNOWN_COTPI


KNOWN_LOG = [
    "-0x1.26bb1bbb55515p+1",
    "-0x1.6d3c324e13f50p-2",
    "0x1.193ea7aad030ap+0",
    "-0x1.64e69394d9508p+9",
    "0x1.cc845b54b54f2p+7",
]
KNOWN_EXP = [
    "0x1.1aec7b35a00d4p+0",
    "0x1.fc80db9dd5542p-2",
    "0x1.370470aec28edp+43",
    "0x0.0000993b4dc95p-1022",
    "0x1.0000000000000p+0",
]
KNOWN_COTPI = ["0x1.89f188bdcd7aep+1", "0x1.73fd61d9df543p-1", "0x1.0120f1108d0dfp+98"]


def test_roots_are_correctly_rounded() -> None:
    near = torch.arange(1, 5000, dtype=torch.float64) ** 2
    x = torch.cat((drawn(200_000, 20).abs(), spread(200_000, 0, 100, 20), near, near.nextafter(near * 2)))
    x = x[x.isfinite()]
    assert exactmath.sqrt(x).tolist() == [math.sqrt(v) for v in x.tolist()]
