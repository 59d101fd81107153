"""What the tests of the tiers draw: every distribution and dtype, with parameters easy to get wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from samebits.random import core
from samebits.random.arguments import FLOATING, LIMITS
from samebits.random.distributions import truncated_normal
from samebits.random.fill import fill
from samebits.random.one_word import UNIT, Distribution, Parameters, threshold
from samebits.random.shards import Part

#: Divisors around every turn of the ways to divide; those of 32 bits, and those that need 64.
NARROW = (1, 2, 3, 7, 10, 100, 255, 256, 257, 65_537, 2**24 + 1, 2**28 - 1, 2**31 - 1, 2**31, 2**31 + 1)
NARROW += (0xFFFFFFFB, 2**32 - 1)
WIDE = (2**32, 2**32 + 15, 2**33 - 9, 2**61 - 1, 2**62 + 12_345, 2**63 - 25, 2**63 - 1, 2**63, 2**63 + 1)
WIDE += (2**63 + 29, 2**64 - 59, 2**64 - 1)
LOWS = (0, 5, 2**64 - 7)

#: (std, mean) or (high - low, low): usual ones; some that overflow a half or leave its normal range.
PLACES = ((0.02, 0.0), (2.0, -1.0), (3.7, -11.3), (1e5, 0.0), (3e-6, 0.0), (0.0, 2.0), (1e-40, 0.0))
RATES = (0.3, 1e-5, 1e8)
PROBABILITIES = (0.0, 2.0**-32, 0.1, 0.5, 0.999, 1 - 2.0**-32, 1.0)
SCALES = ((0.5, 2.0), (0.9, 1 / 0.9), (1 / 3, 3.0), (1.0, 1.0), (0.0, 0.0))


class Case(NamedTuple):
    distribution: Distribution
    dtype: torch.dtype
    parameters: Parameters

    def __str__(self) -> str:
        p = self.parameters
        return f"{self.distribution.name}-{str(self.dtype)[6:]}-{p.a:g}-{p.b:g}-{p.low:x}-{p.range:x}"


def cases() -> Iterator[Case]:
    for dtype in LIMITS:
        yield Case(Distribution.INTEGER, dtype, UNIT)
        for divisor in (*NARROW, *WIDE) if dtype.itemsize == 8 else NARROW:
            for low in LOWS:
                yield Case(Distribution.INTEGER, dtype, Parameters(low=low, range=divisor))
    for dtype in FLOATING:
        for distribution in (Distribution.UNIFORM, Distribution.NORMAL):
            yield Case(distribution, dtype, UNIT)
            for a, b in PLACES:
                yield Case(distribution, dtype, Parameters(a, b))
        yield Case(Distribution.EXPONENTIAL, dtype, UNIT)
        for rate in RATES:
            yield Case(Distribution.EXPONENTIAL, dtype, Parameters(rate))
        for p, scale in SCALES:
            scale = torch.tensor(scale, dtype=dtype).item()
            yield Case(Distribution.DROPOUT, dtype, Parameters(scale, low=threshold(p)))
        for mean, std, low, high in ((0.0, 1.0, -2.0, 2.0), (5.0, 2.0, 4.0, 5.5), (0.0, 1.0, 4.0, 6.0)):
            first = truncated_normal._position((low - mean) / std, after=False)
            words = truncated_normal._position((high - mean) / std, after=True) - first
            yield Case(Distribution.TRUNCATED, dtype, Parameters(std, mean, first, words, low, high))
        yield Case(Distribution.TRUNCATED, dtype, Parameters(1.0, 0.0, 0, 0, -100.0, 100.0))
    for dtype in (torch.bool, *LIMITS, *FLOATING):
        for p in PROBABILITIES:
            yield Case(Distribution.BERNOULLI, dtype, Parameters(low=threshold(p)))


CASES = tuple(cases())


def _middle(distribution: Distribution, dtype: torch.dtype) -> Case:
    group = [case for case in CASES if (case.distribution, case.dtype) == (distribution, dtype)]
    return group[len(group) // 2]


#: One case of each distribution and dtype: for what does not depend on the parameters.
PLAIN = tuple(_middle(*group) for group in dict.fromkeys((case.distribution, case.dtype) for case in CASES))


def key(seed: int, offset: int = 0) -> Tensor:
    return keys((seed, offset))


def keys(*pairs: tuple[int, int]) -> Tensor:
    """uint64 of shape (2,), or (n, 2)."""
    made = torch.tensor(pairs, dtype=torch.uint64)
    return made[0] if len(pairs) == 1 else made


def special(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """What dropout has to handle: zeros of both signs, subnormal and largest numbers, usual ones."""
    f = torch.finfo(dtype)
    values = [0.0, -0.0, 1.0, -1.5, f.tiny, -f.tiny, f.smallest_normal / 4, f.max, f.min, f.eps, 3.1]
    given = torch.tensor(values, dtype=dtype)
    count = torch.Size(shape).numel()
    return given.repeat(count // len(values) + 1)[:count].reshape(shape)


def drawn(case: Case, tier: str, key: Tensor, shape: tuple[int, ...], part: Part | None = None) -> Tensor:
    """The numbers' bits, as uint8 of one dimension, from one tier."""
    source = special(shape, case.dtype) if case.distribution is Distribution.DROPOUT else None
    out = torch.empty(shape, dtype=case.dtype)
    with core.using(tier):
        fill(out, case.distribution, key, case.parameters, part, source)
    return raw(out)


def raw(x: Tensor) -> Tensor:
    """A tensor's bytes."""
    return x.contiguous().reshape(-1).view(torch.uint8)
