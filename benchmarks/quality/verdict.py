"""From counts to probabilities: what the tests have in common.

A test counts something in every chunk; the chunks' counts are added, and the sum gives one or
more results.  Each result has the probability `p` of what was counted, or of something less likely,
if the numbers were perfect.  Two-sided where too good is as suspect as too bad.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

Counts = np.ndarray
#: Cells that are expected to hold fewer are joined with their neighbours.
LEAST_EXPECTED = 10.0


@dataclass(frozen=True)
class Result:
    """One statistic and its probability.

    Attributes:
        name: of the test.
        statistic: chi-square, a number of standard deviations, or a count.
        p: two-sided.
    """

    name: str
    statistic: float
    p: float


@dataclass(frozen=True)
class Test:
    """A test of a stream.

    Attributes:
        name: as in the results.
        count: chunk -> array that may be added to other chunks'.
        judge: (sum, number of chunks) -> results.
        every: one chunk of how many it looks at.
    """

    name: str
    count: Callable[[Any], Counts]
    judge: Callable[[Counts, int], list[Result]]
    every: int = 1


def two_sided(lower: float, upper: float) -> float:
    return float(min(1.0, 2 * min(lower, upper)))


def chi_square(name: str, counted: Counts, probabilities: Counts) -> Result:
    """Of cells: neighbours are joined until each is expected to hold `LEAST_EXPECTED`.

    Args:
        name: of the result.
        counted: of any shape.
        probabilities: of the same shape, or one for all.
    """
    seen = counted.ravel().astype(np.float64)
    expected = np.broadcast_to(probabilities, counted.shape).ravel() * seen.sum()
    if expected.min() < LEAST_EXPECTED:
        seen, expected = joined(seen, expected)
    statistic = float(((seen - expected) ** 2 / expected).sum())
    freedom = len(seen) - 1
    return Result(
        name,
        statistic,
        two_sided(special.chdtr(freedom, statistic), special.chdtrc(freedom, statistic)),
    )


def joined(seen: Counts, expected: Counts) -> tuple[Counts, Counts]:
    """Cells joined with their neighbours until enough is expected of each."""
    groups = np.zeros(len(expected), np.int64)
    held, group = 0.0, 0
    for i, one in enumerate(expected):
        groups[i] = group
        held += one
        if held >= LEAST_EXPECTED:
            held, group = 0.0, group + 1
    if held:  # the rest goes to the last full group
        groups[groups == group] = max(0, group - 1)
    return np.bincount(groups, seen), np.bincount(groups, expected)


def normal(name: str, deviations: float) -> Result:
    """Of a number that is normal to all intents, in standard deviations."""
    return Result(name, float(deviations), float(2 * special.ndtr(-abs(deviations))))


def normals(names: Sequence[str], deviations: Sequence[float] | Counts) -> list[Result]:
    return [normal(name, one) for name, one in zip(names, deviations, strict=True)]


def ones(name: str, counted: float, of: float, probability: float = 0.5) -> Result:
    """Of a count of independent trials."""
    if of * min(probability, 1 - probability) < 1000:
        lower = stats.binom.cdf(counted, of, probability)
        return Result(name, float(counted), two_sided(lower, stats.binom.sf(counted - 1, of, probability)))
    return normal(name, (counted - of * probability) / np.sqrt(of * probability * (1 - probability)))


def poisson(name: str, counted: float, mean: float) -> Result:
    return Result(
        name, float(counted), two_sided(special.pdtr(counted, mean), special.gammainc(counted, mean))
    )


def kolmogorov(name: str, cells: Counts) -> Result:
    """Kolmogorov-Smirnov's test of counts in equally likely cells."""
    total = cells.sum()
    distance = np.abs(np.cumsum(cells) / total - np.arange(1, len(cells) + 1) / len(cells)).max()
    statistic = float(np.sqrt(total) * distance)
    upper = float(special.kolmogorov(statistic))
    return Result(name, statistic, two_sided(1 - upper, upper))


@dataclass(frozen=True)
class Source:
    """Numbers and what they are tested for.

    Attributes:
        name: as in the results.
        chunk: (a number) -> what the tests count in.
        tests: all of them.
        size: numbers of a chunk.
        share: how large a part of the numbers asked for is tested of it.
    """

    name: str
    chunk: Callable[[int], Any]
    tests: Sequence[Test]
    size: int
    share: float
