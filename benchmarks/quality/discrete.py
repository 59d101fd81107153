"""Tests of integers, trials and orders: each number against its probability.

`randint` takes a word modulo its range, so the first numbers have one word more than the others; that is
what is expected, exactly, not that all are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise, permutations

import numpy as np
import torch
from scipy import special, stats
from torch import Tensor

from benchmarks.quality.streams import CHUNK
from benchmarks.quality.verdict import Counts, Result, Source, Test, chi_square, normal, ones, poisson
from samebits import random
from samebits.random.distributions.binomial import binomial
from samebits.random.distributions.geometric import geometric
from samebits.random.distributions.permutation import permutation
from samebits.random.distributions.poisson import poisson as draw_poisson

CELLS = 1000
WHOLE = 1 << 50
#: (range, bits of a word): small, not a power of two, as large as allowed, so large that a half is likelier.
RANGES = (
    *((2, 32), (3, 32), (6, 32), (10, 32), (1000, 32), (65537, 32), (100_000_007, 32), ((1 << 28) - 1, 32)),
    *((3, 64), (1_000_003, 64), (10**18 + 9, 64), (3 << 62, 64)),
)
PROBABILITIES = (0.5, 0.1, 0.001, 1e-6, 0.999)
SMALL_ORDERS = (3, 4, 5)
LONG, GRID = 1000, 50


def of_range(span: int, bits: int) -> Test:
    """Numbers of a range, in at most 1,000 cells."""
    cells = min(span, CELLS)
    edges = [
        -(-i * span // cells) for i in range(cells + 1)
    ]  # a cell holds what `number * cells // span` gives
    words, rest = divmod(1 << bits, span)
    held = [(b - a) * words + max(0, min(b, rest) - a) for a, b in pairwise(edges)]
    probabilities = np.array([float(one) for one in held]) / 2.0**bits
    bounds = np.array(edges[1:-1], dtype=np.uint64)

    def count(x: Counts) -> Counts:
        if span <= CELLS:
            return np.bincount(x.astype(np.int64), minlength=cells)
        return np.bincount(np.searchsorted(bounds, x, side="right"), minlength=cells)

    return Test("cells", count, lambda counts, chunks: [chi_square("cells", counts, probabilities)])


def trials(p: float) -> Test:
    """How many ones, and how many of them follow one another."""
    p = round(p * 2**32) / 2.0**32

    def count(x: Counts) -> Counts:
        return np.array([x.sum(), (x[1:] & x[:-1]).sum(), (x[2:] & x[:-2]).sum(), len(x)])

    def judge(counts: Counts, chunks: int) -> list[Result]:
        n = counts[3]
        results = [ones("ones", counts[0], n, p)]
        for lag, both in enumerate(counts[1:3], 1):
            pairs = n - lag * chunks
            # of the products of neighbours, given the number of ones
            mean, spread = counts[0] ** 2 / n * (pairs / n), pairs * (p * (1 - p)) ** 2
            results.append(
                normal(f"pairs {lag} apart", (both - mean) / np.sqrt(spread))
                if spread > 1000
                else poisson(f"pairs {lag} apart", both, pairs * p * p)
            )
        return results

    return Test("trials", count, judge)


def bytes_of_trials() -> Test:
    """Eight trials of probability 1/2 are a byte."""

    def count(x: Counts) -> Counts:
        return np.bincount(np.packbits(x), minlength=256)

    return Test("bytes", count, lambda counts, chunks: [chi_square("bytes", counts, 1 / 256)])


def counts_of(distribution: stats.rv_frozen, most: int) -> Test:
    """Each count against its probability; the last cell has all from `most` on."""
    probabilities = distribution.pmf(np.arange(most + 1))
    probabilities[-1] = distribution.sf(most - 1)

    def count(x: Counts) -> Counts:
        return np.bincount(np.minimum(x, most).astype(np.int64), minlength=most + 1)

    return Test("each", count, lambda counts, chunks: [chi_square("each count", counts, probabilities)])


def orders_of(n: int) -> Test:
    """Which of all orders of n a permutation is."""
    every = np.array(list(permutations(range(n))))
    base = n ** np.arange(n)
    place = np.full(n**n, -1)
    place[every @ base] = np.arange(len(every))

    def count(x: Counts) -> Counts:
        return np.bincount(place[x @ base], minlength=len(every))

    return Test("orders", count, lambda counts, chunks: [chi_square("orders", counts, 1 / len(every))])


def positions() -> list[Test]:
    """Of permutations of many: what is where, what stays, what rises, what keeps its neighbours."""

    def count_places(x: Counts) -> Counts:
        where = np.arange(x.shape[1]) * GRID // x.shape[1]
        return np.bincount((where * GRID + x * GRID // x.shape[1]).ravel(), minlength=GRID**2)

    def judge_places(counts: Counts, chunks: int) -> list[Result]:
        # The sums of rows and columns are given, and no place is taken twice: n / (n - 1) times a table's.
        expected = counts.sum() / GRID**2
        statistic = ((counts - expected) ** 2 / expected).sum() * (LONG - 1) / LONG
        freedom = (GRID - 1) ** 2
        lower, upper = special.chdtr(freedom, statistic), special.chdtrc(freedom, statistic)
        return [Result("places", statistic, min(1.0, 2 * min(lower, upper)))]

    def count_steps(x: Counts) -> Counts:
        stay = (x == np.arange(x.shape[1])).sum()
        rises = (x[:, 1:] > x[:, :-1]).sum()
        neighbours = (np.abs(np.diff(x, axis=1)) == 1).sum()
        return np.array([stay, rises, neighbours, len(x)])

    def judge_steps(counts: Counts, chunks: int) -> list[Result]:
        n = counts[3]
        rises = (counts[1] - n * (LONG - 1) / 2) / np.sqrt(n * (LONG + 1) / 12)
        return [
            poisson("fixed points", counts[0], float(n)),
            normal("rises", rises),
            poisson("neighbours", counts[2], n * 2 * (LONG - 1) / LONG),
        ]

    return [Test("places", count_places, judge_places), Test("steps", count_steps, judge_steps)]


def sources(seed: int) -> Iterator[Source]:
    root = random.key(seed)

    def of_key(
        name: str, draw: Callable[..., Tensor], tests: list[Test], share: float, size: int = CHUNK
    ) -> Source:
        key = random.fold_in(root, name)
        return Source(
            name,
            lambda number: draw(key, WHOLE, shard=((number * size,), (size,))).numpy(),
            tests,
            size,
            share,
        )

    for span, bits in RANGES:
        dtype = torch.int32 if bits == 32 else torch.uint64
        draw = partial(random.randint, low=0, high=span, dtype=dtype)
        yield of_key(
            f"randint {span}, {bits} bits", draw, [of_range(span, bits)], 0.1 if span <= CELLS else 0.05
        )
    for p in PROBABILITIES:
        tests = [trials(p), *([bytes_of_trials()] if p == 0.5 else [])]
        yield of_key(f"bernoulli {p}", partial(random.bernoulli, p=p), tests, 0.25)

    few, size = 0.02, CHUNK >> 2
    for rate in (0.5, 7.0, 300.0):
        yield of_key(
            f"poisson {rate}",
            lambda key, *n, rate=rate, **given: draw_poisson(key, rate, *n, **given),
            [counts_of(stats.poisson(rate), int(rate + 12 * rate**0.5 + 20))],
            few,
            size,
        )
    for n, p in ((10, 0.3), (1000, 0.4)):
        yield of_key(
            f"binomial {n}, {p}",
            lambda key, *many, n=n, p=p, **given: binomial(key, n, p, *many, **given),
            [counts_of(stats.binom(n, p), n)],
            few,
            size,
        )
    yield of_key(
        "geometric 0.2",
        partial(geometric, p=0.2),
        [counts_of(stats.geom(0.2), 120)],
        few,
        size,
    )

    def orders(n: int, each: int, name: str, tests: list[Test], share: float) -> Source:
        parent = random.fold_in(root, name)

        def chunk(number: int) -> Counts:
            return permutation(random.split(random.fold_in(parent, number), each), n).numpy()

        return Source(name, chunk, tests, n * each, share)

    for n in SMALL_ORDERS:
        yield orders(n, 1 << 16, f"permutation {n}", [orders_of(n)], 0.01)
    yield orders(LONG, 1 << 8, f"permutation {LONG}", positions(), 0.02)
