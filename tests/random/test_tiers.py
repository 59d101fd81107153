"""Every tier gives the bits of `distributions`: each dtype, awkward parameters, however the work is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch

from samebits.random import core
from samebits.random.fill import fill
from samebits.random.one_word import Distribution, Parameters
from samebits.random.shards import Part, part

from .cases import CASES, PLAIN, Case, drawn, key, keys

TIERS = [tier for tier in core.tiers() if tier != "eager"]
pytestmark = pytest.mark.skipif(not TIERS, reason="no compiler: there is `eager` alone")

#: Seed and offset: the counter's halves turn over within some elements.
KEYS = [(0, 0), (2**64 - 1, 2**64 - 40), (0x9E3779B97F4A7C15, 2**32 - 30), (42, 2**63 - 33)]
GROUPS = sorted({(case.distribution, case.dtype) for case in CASES}, key=str)

#: Below, at and above what a tier does at once, and the core's block of words; not a multiple of anything.
COUNTS = [1, 2, 3, 5, 15, 16, 17, 63, 64, 65, 127, 129, 1023, 1025, 2047, 2048, 2049, 4099]


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    try:
        yield torch.set_num_threads
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: f"{g[0].name}-{str(g[1])[6:]}")
def test_distributions(group: tuple[Distribution, torch.dtype]) -> None:
    for case in CASES:
        if (case.distribution, case.dtype) != group:
            continue
        for pair in KEYS:
            expected = drawn(case, "eager", key(*pair), (999,))
            for tier in TIERS:
                assert torch.equal(drawn(case, tier, key(*pair), (999,)), expected), (str(case), tier, pair)


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_lengths_and_firsts(case: Case) -> None:
    """A shorter draw is the beginning of a longer one; one that starts later is its end."""
    k = key(11, 2**64 - 600)
    size = case.dtype.itemsize
    longest = drawn(case, "eager", k, (COUNTS[-1],))
    for tier in TIERS:
        for count in COUNTS:
            assert torch.equal(drawn(case, tier, k, (count,)), longest[: count * size]), (tier, count)
    if case.distribution is Distribution.DROPOUT:  # its source would have to be cut too
        return
    for tier in ("eager", *TIERS):
        for first in (1, 2, 3, 5, 63, 2046, 2049):
            run = drawn(case, tier, k, (COUNTS[-1] - first,), Part(first, (COUNTS[-1] - first,), (1,)))
            assert torch.equal(run, longest[first * size :]), (tier, first)


@pytest.mark.parametrize("case", PLAIN, ids=str)
@pytest.mark.parametrize("first", [2**34 - 5, 2**40 + 3, 2**62 - 200])
def test_elements_far_into_a_whole(case: Case, first: int) -> None:
    far = Part(first, (150,), (1,))
    expected = drawn(case, "eager", key(3, 2**64 - 7), (150,), far)
    for tier in TIERS:
        assert torch.equal(drawn(case, tier, key(3, 2**64 - 7), (150,), far), expected)


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_batches_of_keys(case: Case) -> None:
    pairs = [(1, 0), (2, 5), (1, 2**64 - 1)]
    alone = [drawn(case, "eager", key(*pair), (157,)) for pair in pairs]
    for tier in ("eager", *TIERS):
        together = drawn(case, tier, keys(*pairs), (3, 157)).view(3, -1)
        if case.distribution is Distribution.DROPOUT:
            assert torch.equal(together.flatten(), drawn(case, "eager", keys(*pairs), (3, 157)))
        else:
            assert all(torch.equal(row, one) for row, one in zip(together, alone, strict=True))


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_parts_with_gaps(case: Case) -> None:
    inner = part((5, 7, 6, 11), (1, 2, 0, 3), (3, 4, 6, 8))
    column = part((900, 3), (0, 1), (900, 1))
    for which, shape in ((inner, (3, 4, 6, 8)), (column, (900, 1))):
        expected = drawn(case, "eager", key(8), shape, which)
        for tier in TIERS:
            assert torch.equal(drawn(case, tier, key(8), shape, which), expected)


LARGE = [case for case in PLAIN if case.dtype in (torch.uint8, torch.uint64, torch.float16, torch.float64)]


@pytest.mark.parametrize("distribution", Distribution, ids=lambda distribution: distribution.name)
def test_threads_and_chunks(distribution: Distribution, threads: Callable[[int], None]) -> None:
    """More elements than plain torch computes at once and than the core gives one thread."""
    count, one = (1 << 18) + 77, key(5, 2**64 - 9)
    halves, two = (2, count // 2), keys((5, 2**64 - 9), (6, 0))
    case = next(case for case in LARGE if case.distribution is distribution)
    expected = drawn(case, "eager", one, (count,)), drawn(case, "eager", two, halves)
    for tier in TIERS:
        for number in (1, 2, 3):
            threads(number)
            made = drawn(case, tier, one, (count,)), drawn(case, tier, two, halves)
            assert all(map(torch.equal, made, expected)), (tier, number)


def test_infinity_and_nan_pass_through_dropout_everywhere() -> None:
    """A dropped infinity becomes NaN; a NaN's bits are the machine's choice, as in torch's conversions."""
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        x = torch.tensor([torch.inf, -torch.inf, torch.nan], dtype=dtype).repeat(200)
        made = []
        for tier in ("eager", *TIERS):
            with core.using(tier):
                half = Parameters(2.0, low=1 << 31)
                made.append(fill(torch.empty_like(x), Distribution.DROPOUT, key(1), half, source=x))
        assert made[0].isnan().sum() > 250
        assert made[0].isinf().sum() > 150
        for one in made[1:]:
            assert torch.equal(one.nan_to_num(7.0), made[0].nan_to_num(7.0))
