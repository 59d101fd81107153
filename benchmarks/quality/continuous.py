"""Tests of floating point numbers: their distribution function makes them uniform, which is tested.

Kolmogorov-Smirnov and chi-square in equally likely cells; pairs and triples; sums of the distribution's
orthogonal polynomials (Legendre's, Hermite's, Laguerre's), which are the moments made independent of each
other; how many lie beyond 4, 5, 6 standard deviations.  The tails are counted exactly: a number has only
2**32 words, so `Tail` finds how many of them lie beyond (`samebits.random.quantile`), and compares that
with the distribution as well.  Numbers of 16 bits are compared with the probability of each single one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import factorial, sqrt

import numpy as np
import torch
from scipy import special
from torch import Tensor

from benchmarks.quality.streams import CHUNK
from benchmarks.quality.verdict import (
    Counts,
    Result,
    Source,
    Test,
    chi_square,
    kolmogorov,
    normals,
    ones,
)
from samebits import random
from samebits.random import quantile
from samebits.random.distributions.cauchy import cauchy
from samebits.random.distributions.gamma import beta, gamma
from samebits.random.distributions.log_normal import log_normal
from samebits.random.distributions.truncated_normal import truncated_normal

CELLS, FINE = 1000, 64  # equally likely cells, and into how many each is divided for Kolmogorov-Smirnov
PAIR, TRIPLE = 256, 48  # cells along a side
WHOLE = 1 << 50
Array = np.ndarray
Function = Callable[[Array], Array]


def spread(cdf: Function) -> list[Test]:
    """Kolmogorov-Smirnov, chi-square, pairs and triples of what the distribution function makes uniform."""

    def places(x: Array, cells: int) -> Array:
        return np.minimum((cdf(x) * cells).astype(np.int64), cells - 1)

    def count_cells(x: Array) -> Counts:
        return np.bincount(places(x, CELLS * FINE), minlength=CELLS * FINE)

    def judge_cells(counts: Counts, chunks: int) -> list[Result]:
        coarse = counts.reshape(CELLS, FINE).sum(1)
        return [kolmogorov("Kolmogorov-Smirnov", counts), chi_square("1,000 cells", coarse, 1 / CELLS)]

    def count_serial(x: Array) -> Counts:
        u = cdf(x[: len(x) // 6 * 6])
        a = (u * PAIR).astype(np.int64).clip(max=PAIR - 1).reshape(-1, 2)
        b = (u * TRIPLE).astype(np.int64).clip(max=TRIPLE - 1).reshape(-1, 3)
        pairs = np.bincount(a[:, 0] * PAIR + a[:, 1], minlength=PAIR**2)
        triples = np.bincount((b[:, 0] * TRIPLE + b[:, 1]) * TRIPLE + b[:, 2], minlength=TRIPLE**3)
        return np.concatenate((pairs, triples))

    def judge_serial(counts: Counts, chunks: int) -> list[Result]:
        pairs, triples = counts[: PAIR**2], counts[PAIR**2 :]
        return [chi_square("pairs", pairs, PAIR**-2.0), chi_square("triples", triples, TRIPLE**-3.0)]

    return [Test("cells", count_cells, judge_cells), Test("serial", count_serial, judge_serial, 2)]


def legendre(x: Array) -> list[Array]:
    y = 2 * x - 1
    return [special.eval_legendre(k, y) * sqrt(2 * k + 1) for k in range(1, 5)]


def hermite(x: Array) -> list[Array]:
    before, last = np.ones_like(x), x
    found = [x]
    for k in range(1, 6):
        before, last = last, x * last - k * before
        found.append(last / sqrt(factorial(k + 1)))
    return found


def laguerre(x: Array) -> list[Array]:
    found = [np.ones_like(x), 1 - x]
    for k in range(1, 4):
        found.append(((2 * k + 1 - x) * found[k] - k * found[k - 1]) / (k + 1))
    return found[1:]


def moments(polynomials: Callable[[Array], list[Array]]) -> Test:
    """Sums of polynomials that have the mean 0, the variance 1 and no correlation."""

    def count(x: Array) -> Counts:
        return np.array([*(one.sum() for one in polynomials(x)), len(x)])

    def judge(counts: Counts, chunks: int) -> list[Result]:
        names = [f"moment {k}" for k in range(1, len(counts))]
        return normals(names, counts[:-1] / sqrt(counts[-1]))

    return Test("moments", count, judge, 2)


@dataclass(frozen=True)
class Tail:
    """The numbers beyond a bound.

    Attributes:
        bound: they are larger.
        ideal: how likely that is by the distribution.
        words: how many of `2**bits` words are.
        bits: of a word's magnitude.
    """

    bound: float
    ideal: float
    words: int
    bits: int

    @property
    def probability(self) -> float:
        return self.words / 2.0**self.bits


def tail(grid: quantile.QuantileGrid, distribution: int, bound: float, ideal: float) -> Tail:
    """How many magnitudes' quantiles lie beyond a bound: they fall as the magnitude rises."""
    low, high = 0, 1 << grid.magnitude
    while low < high:
        middle = (low + high) // 2
        beyond = float(quantile.quantile(grid, distribution, torch.tensor([middle]))) > bound
        low, high = (middle + 1, high) if beyond else (low, middle)
    return Tail(bound, ideal, low, grid.magnitude)


def tails(grid: quantile.QuantileGrid, distribution: int, bounds: tuple[float, ...]) -> Test:
    """How many lie beyond each bound, for the normal distribution on either side."""
    is_normal = distribution == quantile.NORMAL
    survival = (lambda t: 2 * special.ndtr(-t)) if is_normal else (lambda t: np.exp(-t))
    found = [tail(grid, distribution, t, float(survival(t))) for t in bounds]

    def count(x: Array) -> Counts:
        sides = (x, -x) if is_normal else (x,)
        return np.array([*((side > t.bound).sum() for side in sides for t in found), len(x)])

    def judge(counts: Counts, chunks: int) -> list[Result]:
        names = [f"{sign}{t.bound:g}" for sign in ("+-" if is_normal else "+") for t in found]
        likely = [t.probability / (1 + is_normal) for t in found] * (1 + is_normal)
        results = [
            ones(f"beyond {name}", x, counts[-1], p)
            for name, x, p in zip(names, counts[:-1], likely, strict=True)
        ]
        for t in found:  # the table against the distribution: at most one word from the exact number
            off = abs(t.words - t.ideal * 2.0**t.bits)
            near = off <= 1 + t.ideal * 2.0**t.bits * 1e-5
            results.append(Result(f"words beyond {t.bound:g}", t.words, 1.0 if near else 0.0))
        return results

    return Test("tails", count, judge)


def patterns(dtype: torch.dtype, cdf: Function) -> Test:
    """Each number of 16 bits against its own probability: what is nearer to it than to its neighbours."""
    values = torch.arange(-(1 << 15), 1 << 15).to(torch.int16).view(dtype).double().numpy()
    every = np.unique(values[np.isfinite(values)])  # -0 and 0 are one
    edges = np.concatenate(([-np.inf], (every[1:] + every[:-1]) / 2, [np.inf]))
    below = np.where(edges < 0, cdf(edges), 0)
    above = np.where(edges < 0, 0, -cdf(-edges))  # cdf(-x) is 1 - cdf(x) without cancellation
    probabilities = np.diff(below + above)
    probabilities[np.searchsorted(edges, 0) - 1] += 1
    place = np.searchsorted(every, np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0))

    def count(x: Tensor) -> Counts:
        number = x.view(torch.int16).numpy().astype(np.int64) + (1 << 15)
        return np.bincount(place[number], minlength=len(every))

    return Test("each", count, lambda counts, chunks: [chi_square("each number", counts, probabilities)])


def low_bits(bits: int) -> Test:
    """The lowest 12 of a uniform number's bits, and the next 12."""

    def count(x: Array) -> Counts:
        whole = (x.astype(np.float64) * 2.0**bits).astype(np.int64)
        return np.stack([np.bincount(whole >> k & 4095, minlength=4096) for k in (0, bits - 12)])

    def judge(counts: Counts, chunks: int) -> list[Result]:
        return [
            chi_square(name, row, 2.0**-12)
            for name, row in zip(("lowest 12 bits", "highest 12 bits"), counts, strict=True)
        ]

    return Test("bits", count, judge)


def halves(dtype: torch.dtype) -> Test:
    """Each uniform number of 16 bits: 2**11 or 2**8."""
    cells = 1 << (11 if dtype is torch.float16 else 8)

    def count(x: Tensor) -> Counts:
        return np.bincount((x.float().numpy() * cells).astype(np.int64), minlength=cells)

    return Test("each", count, lambda counts, chunks: [chi_square("each number", counts, 1 / cells)])


def sources(seed: int) -> Iterator[Source]:
    root = random.key(seed)

    def source(
        name: str, draw: Callable[..., Tensor], tests: list[Test], share: float, size: int = CHUNK
    ) -> Source:
        key = random.fold_in(root, name)

        def chunk(number: int) -> Array | Tensor:
            x = draw(key, WHOLE, shard=((number * size,), (size,)))
            return x if x.dtype in (torch.float16, torch.bfloat16) else x.numpy().astype(np.float64)

        return Source(name, chunk, tests, size, share)

    def of(function: Callable[..., Tensor], dtype: torch.dtype) -> Callable[..., Tensor]:
        return lambda key, *shape, **given: function(key, *shape, dtype=dtype, **given)

    single, double = torch.float32, torch.float64
    grids = {single: quantile.SINGLE, double: quantile.DOUBLE}
    for dtype, share in ((single, 1.0), (double, 0.25)):
        name = str(dtype).removeprefix("torch.")
        step = 2.0 ** -(25 if dtype is single else 54)
        uniform = [*spread(lambda x: x), moments(lambda x, step=step: legendre(x + step))]
        bits = low_bits(24 if dtype is single else 53)
        yield source(f"uniform {name}", of(random.uniform, dtype), [*uniform, bits], share)
        normal = [*spread(special.ndtr), moments(hermite)]
        beyond = tails(grids[dtype], quantile.NORMAL, (4.0, 5.0, 6.0))
        yield source(f"normal {name}", of(random.normal, dtype), [*normal, beyond], share)
        exponential = [*spread(lambda x: -np.expm1(-x)), moments(laguerre)]
        beyond = tails(grids[dtype], quantile.EXPONENTIAL, (8.0, 12.0, 16.0, 20.0))
        yield source(f"exponential {name}", of(random.exponential, dtype), [*exponential, beyond], share)
    for dtype in (torch.float16, torch.bfloat16):
        name = str(dtype).removeprefix("torch.")
        yield source(f"uniform {name}", of(random.uniform, dtype), [halves(dtype)], 0.1)
        yield source(f"normal {name}", of(random.normal, dtype), [patterns(dtype, special.ndtr)], 0.1)

    cuts = special.ndtr([-1.0, 3.0])
    yield source(
        "truncated normal",
        lambda key, *shape, **given: truncated_normal(key, *shape, low=-1.0, high=3.0, **given),
        spread(lambda x: (special.ndtr(x) - cuts[0]) / (cuts[1] - cuts[0])),
        0.05,
    )
    few, size = 0.02, CHUNK >> 2
    for shape in (0.3, 1.0, 20.5):
        yield source(
            f"gamma {shape}",
            lambda key, *n, shape=shape, **given: gamma(key, shape, *n, dtype=double, **given),
            spread(partial(special.gammainc, shape)),
            few,
            size,
        )
    yield source(
        "beta 0.5, 3",
        lambda key, *n, **given: beta(key, 0.5, 3.0, *n, dtype=double, **given),
        spread(partial(special.betainc, 0.5, 3.0)),
        few,
        size,
    )
    yield source("cauchy", of(cauchy, double), spread(lambda x: 0.5 + np.arctan(x) / np.pi), few, size)
    yield source("log-normal", of(log_normal, double), spread(lambda x: special.ndtr(np.log(x))), few, size)
