"""The numbers are random: frequencies, runs, distances, moments and tails, of one key's and of related keys'.

The keys are fixed, so nothing here comes or goes by chance; a probability below `LEAST` would be a fault,
or a reason to look.  Each statistic is shown to find a fault that is planted.  `benchmarks.quality` does the
same with 10**9 numbers, and more.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
import torch
from scipy import special
from torch import Tensor

from samebits import random
from samebits.random import quantile

SEED = 20200301
WORDS = 1 << 21
NUMBERS = 1 << 21
LEAST = 1e-4
FOUND = 1e-12

Array = np.ndarray


def chi_square(counts: Array, probabilities: Array | float) -> float:
    """How likely counts are that lie as far from the expected ones, or as close to them."""
    expected = counts.sum() * np.broadcast_to(probabilities, counts.shape)
    statistic, freedom = ((counts - expected) ** 2 / expected).sum(), counts.size - 1
    return float(2 * min(special.chdtr(freedom, statistic), special.chdtrc(freedom, statistic)))


def least(deviations: Array) -> float:
    """The smallest probability of many standard deviations, times how many."""
    return float(min(1.0, 2 * special.ndtr(-np.abs(deviations).max()) * deviations.size))


def ones(counted: Array, of: float, p: float = 0.5) -> float:
    return least((np.asarray(counted) - of * p) / np.sqrt(of * p * (1 - p)))


# Words.


def words_of(bits: Tensor) -> Array:
    return bits.contiguous().view(-1).numpy().view(np.uint32)


def of_keys(keys: Tensor) -> Array:
    """The first words of many keys, and of each key's words as many as there is room for."""
    return words_of(random.bits(keys, keys.shape[0], WORDS // keys.shape[0]))


def one_key() -> Array:
    return words_of(random.bits(random.key(SEED), WORDS))


def consecutive_seeds() -> Array:
    seeds = torch.arange(SEED, SEED + WORDS // 4)
    return of_keys(torch.stack((seeds, torch.zeros_like(seeds)), -1).view(torch.uint64))


def two_seeds() -> Array:
    one, other = (random.bits(random.key(seed), WORDS // 2) for seed in (SEED, SEED + 1))
    return words_of(torch.stack((one, other), 1))


def split_keys() -> Array:
    return of_keys(random.split(random.key(SEED), WORDS // 4))


def parent_and_children() -> Array:
    parent = random.fold_in(random.key(SEED), 7)
    family = torch.stack((parent, *random.split(parent, 3)))
    return words_of(random.bits(family, 4, WORDS // 4).T)


def names() -> Array:
    key = random.key(SEED)
    return of_keys(torch.stack([random.fold_in(key, f"layer.{i}") for i in range(1 << 12)]))


def far_calls() -> Array:
    """Calls whose counters differ in the high word alone."""
    calls = torch.arange(WORDS // 4) << 32
    return of_keys(torch.stack((torch.full_like(calls, SEED), calls), -1).view(torch.uint64))


STREAMS: list[Callable[[], Array]] = [
    one_key,
    consecutive_seeds,
    two_seeds,
    split_keys,
    parent_and_children,
    names,
    far_calls,
]


def of_bits(words: Array) -> float:
    set_ = [np.count_nonzero(words >> np.uint32(bit) & np.uint32(1)) for bit in range(32)]
    return ones(np.array(set_), len(words))


def of_bytes(words: Array) -> float:
    return chi_square(np.bincount(words.view(np.uint8), minlength=256), 1 / 256)


def of_pairs(words: Array) -> float:
    """The highest 8 bits of each word, and of the next."""
    high = (words >> np.uint32(24)).astype(np.int64).reshape(-1, 2)
    return chi_square(np.bincount(high[:, 0] << 8 | high[:, 1], minlength=1 << 16), 2.0**-16)


def of_distances(words: Array) -> float:
    """Bits 1 to 64 apart, and words 2, 4, 8, ... apart."""
    wide = words.view(np.uint64)
    here, after, of = wide[:-1], wide[1:], 64 * (len(wide) - 1)
    shifted = [after if d == 64 else here >> np.uint64(d) | after << np.uint64(64 - d) for d in range(1, 65)]
    bits = np.array([np.bitwise_count(here ^ other).sum() for other in shifted])
    far = [np.bitwise_count(words[1 << k :] ^ words[: -1 << k]).sum() for k in range(1, 16)]
    deviations = [
        2 * (n - 32 * m / 2) / np.sqrt(32 * m) for k, n in enumerate(far, 1) for m in [WORDS - (1 << k)]
    ]
    return min(ones(bits, of), least(np.array(deviations)))


def of_gaps(words: Array) -> float:
    """How long it takes until the highest four bits are 0 again; the last ones, cut short, are left out."""
    gaps = np.diff(np.flatnonzero(words >> np.uint32(28) == 0))[: len(words) // 17]
    p = 1 / 16 * (15 / 16) ** np.arange(100)
    p[-1] = (15 / 16) ** 99
    return chi_square(np.bincount(np.minimum(gaps, 100), minlength=101)[1:], p)


def of_spacings(words: Array) -> float:
    """Equal distances of 2**12 birthdays in a year of 2**32 days, 4 on average; Marsaglia."""
    spacings = np.sort(np.diff(np.sort(words.reshape(-1, 1 << 12), 1), axis=1), 1)
    equal, mean = (spacings[:, 1:] == spacings[:, :-1]).sum(), 4.0 * len(spacings)
    return float(2 * min(special.pdtr(equal, mean), special.gammainc(equal, mean)))


def of_ranks(words: Array) -> float:
    """Ranks of 32 x 32 bits: 32, 31, and less; Marsaglia and Tsay."""
    rows = words.reshape(-1, 32).T.copy()
    rank = np.zeros(rows.shape[1], np.int64)
    for i, pivot in enumerate(rows):
        rank += pivot != 0
        lowest = pivot & (~pivot + np.uint32(1))
        rows[i + 1 :] ^= np.where(rows[i + 1 :] & lowest != 0, pivot, np.uint32(0))
    full, one_less = 0.2887880951538411, 0.5775761901732048
    counts = np.bincount(32 - np.maximum(rank, 30), minlength=3)
    return chi_square(counts, np.array([full, one_less, 1 - full - one_less]))


def set_a_bit(words: Array) -> Array:
    """Bit 13 of one word in a hundred."""
    return words | np.where(np.arange(len(words)) % 100 == 0, np.uint32(1 << 13), np.uint32(0))


def repeat_a_bit(words: Array) -> Array:
    """In one word in twenty the highest bit is that of the word before."""
    other = words.copy()
    other[1::20] = words[1::20] & np.uint32((1 << 31) - 1) | words[:-1:20] & np.uint32(1 << 31)
    return other


def repeat_words(words: Array) -> Array:
    """One word in fifty is the word before."""
    other = words.copy()
    other[1::50] = words[:-1:50]
    return other


def too_even(words: Array) -> Array:
    """A counter in place of random words."""
    return np.arange(len(words), dtype=np.uint32) * np.uint32(2654435769)


STATISTICS: list[tuple[Callable[[Array], float], Callable[[Array], Array]]] = [
    (of_bits, set_a_bit),
    (of_bytes, too_even),
    (of_pairs, repeat_words),
    (of_distances, repeat_a_bit),
    (of_gaps, too_even),
    (of_spacings, repeat_words),
    (of_ranks, repeat_words),
]


@pytest.mark.parametrize("stream", STREAMS, ids=lambda f: f.__name__)
def test_words_are_random(stream: Callable[[], Array]) -> None:
    words = stream()
    assert len(words) == WORDS
    found = {statistic.__name__: statistic(words) for statistic, _ in STATISTICS}
    assert min(found.values()) > LEAST, found


@pytest.mark.parametrize(("statistic", "spoil"), STATISTICS, ids=lambda f: f.__name__)
def test_a_statistic_finds_a_planted_fault(
    statistic: Callable[[Array], float], spoil: Callable[[Array], Array]
) -> None:
    assert statistic(spoil(one_key())) < FOUND


@pytest.mark.parametrize("bit", [0, 1, 31, 32, 63])
@pytest.mark.parametrize("part", ["seed", "offset"])
def test_a_bit_of_the_key_turns_half_of_the_bits(part: str, bit: int) -> None:
    both = torch.stack([random.key(SEED)] * 2).view(torch.int64)
    both[1, ("seed", "offset").index(part)] ^= torch.tensor(1).bitwise_left_shift(bit)
    one, other = random.bits(both.view(torch.uint64), 2, 1 << 16)
    turned = np.bitwise_count(words_of(one) ^ words_of(other)).sum()
    assert ones(turned, 32 << 16) > LEAST


# Distributions: what their distribution functions make uniform.


def kolmogorov(u: Array) -> float:
    u = np.sort(u)
    steps = np.arange(len(u) + 1) / len(u)
    distance = max((u - steps[:-1]).max(), (steps[1:] - u).max())
    return float(special.kolmogorov(distance * np.sqrt(len(u))))


def cells(u: Array) -> float:
    return chi_square(np.bincount((u * 1000).astype(int).clip(max=999), minlength=1000), 1 / 1000)


def pairs(u: Array) -> float:
    """Of neighbours, and of those four apart, whose words have the same place in a call of Philox."""
    place = (u * 64).astype(int).clip(max=63)
    near, far = place.reshape(-1, 2), place.reshape(-1, 8)
    return min(
        chi_square(np.bincount(x * 64 + y, minlength=4096), 1 / 4096)
        for x, y in ((near[:, 0], near[:, 1]), (far[:, 0], far[:, 4]))
    )


def exponential_cdf(x: Array) -> Array:
    return -np.expm1(-x)


DISTRIBUTIONS = {"uniform": (random.uniform, lambda x: x), "normal": (random.normal, special.ndtr)}
DISTRIBUTIONS["exponential"] = (random.exponential, exponential_cdf)


def drawn(distribution: str, dtype: torch.dtype) -> Array:
    key = random.fold_in(random.key(SEED), f"{distribution} {dtype}")
    return DISTRIBUTIONS[distribution][0](key, NUMBERS, dtype=dtype).double().numpy()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_numbers_follow_their_distribution(distribution: str, dtype: torch.dtype) -> None:
    x, cdf = drawn(distribution, dtype), DISTRIBUTIONS[distribution][1]
    found = [statistic(cdf(x)) for statistic in (kolmogorov, cells, pairs)]
    assert min(found) > LEAST
    assert kolmogorov(cdf(x * 1.02).clip(0, 1)) < FOUND
    assert cells(cdf(np.where(np.arange(NUMBERS) % 20, x, np.float64(0.4)))) < FOUND
    assert pairs(cdf(np.where(np.arange(NUMBERS) % 20 == 1, np.roll(x, 1), x))) < FOUND


def hermite(x: Array) -> Array:
    """Sums of polynomials that have the variance 1 and no correlation, in standard deviations."""
    y = x * x
    skew, kurtosis = x * (y - 3) / 6**0.5, (y * (y - 6) + 3) / 24**0.5
    return np.array([one.sum() for one in (x, (y - 1) / 2**0.5, skew, kurtosis)]) / np.sqrt(len(x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_moments_of_the_normal(dtype: torch.dtype) -> None:
    x = drawn("normal", dtype)
    assert least(hermite(x)) > LEAST
    for spoiled in (x + 0.01, x * 1.01, x + 0.01 * (x * x - 1), x + 0.01 * x * (x * x - 3)):
        assert least(hermite(spoiled)) < FOUND


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16], ids=str)
def test_moments_of_the_uniform(dtype: torch.dtype) -> None:
    step = 2.0 ** -{torch.float32: 24, torch.float64: 53, torch.float16: 11, torch.bfloat16: 8}[dtype]
    y = 2 * (drawn("uniform", dtype) + step / 2) - 1
    square = (1 - step**2) / 3  # of evenly spaced numbers
    found = np.array([y.sum() / square**0.5, (y**2 - square).sum() / (4 / 45) ** 0.5]) / np.sqrt(NUMBERS)
    assert least(found) > LEAST
    assert least(found + np.sqrt(NUMBERS) * np.array([0.01, 0])) < FOUND


def words_beyond(grid: quantile.QuantileGrid, distribution: int, bound: float) -> int:
    """How many magnitudes have a larger quantile: they fall as the magnitude rises."""
    low, high = 0, 1 << grid.magnitude
    while low < high:
        middle = (low + high) // 2
        larger = float(quantile.quantile(grid, distribution, torch.tensor([middle]))) > bound
        low, high = (middle + 1, high) if larger else (low, middle)
    return low


@pytest.mark.parametrize("bound", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
def test_as_many_words_as_there_should_be_lie_beyond_a_bound(bound: float) -> None:
    """A tail is missing no number, and has none too many: of all 2**32 words, not of some that are drawn."""
    for distribution, survival in (
        (quantile.NORMAL, 2 * special.ndtr(-bound)),
        (quantile.EXPONENTIAL, np.exp(-bound)),
    ):
        words = words_beyond(quantile.SINGLE, distribution, bound)
        exact = survival * 2.0**31
        # Rounding moves the bound by some units in the last place, and the words within with it.
        moved = 4 * np.spacing(np.float32(bound)) * (bound + 1) * exact
        assert abs(words - exact) <= 1 + moved
        assert abs(words - exact * 1.001) > 1 + moved or exact < 5000
        wide = words_beyond(quantile.DOUBLE, distribution, bound)
        assert wide / 2.0**63 == pytest.approx(survival, rel=1e-12)


def test_tails_of_the_normal() -> None:
    key = random.fold_in(random.key(SEED), "tails")
    x = random.normal(key, 1 << 24)
    for bound in (3.0, 4.0, 5.0):
        p = words_beyond(quantile.SINGLE, quantile.NORMAL, bound) / 2.0**31 / 2
        for side in (x, -x):
            counted, mean = int((side > bound).sum()), p * x.numel()
            assert 2 * min(special.pdtr(counted, mean), special.gammainc(counted, mean)) > LEAST
    assert ones(np.array(int((x * 1.02 > 3).sum())), x.numel(), special.ndtr(-3.0)) < FOUND
    assert 5 < x.abs().max() < 6.34


# Integers, trials, orders.


@pytest.mark.parametrize("span", [3, 6, 10, 100])
def test_integers_are_alike(span: int) -> None:
    x = random.randint(random.key(SEED), NUMBERS, low=-1, high=span - 1).numpy() + 1
    assert chi_square(np.bincount(x, minlength=span), 1 / span) > LEAST
    x[::50] = 0
    assert chi_square(np.bincount(x, minlength=span), 1 / span) < FOUND


def test_integers_of_an_awkward_range_are_as_likely_as_a_rest_is() -> None:
    span = 3 << 62  # 2**64 words: the first 2**62 numbers have two each
    x = random.randint(random.key(SEED), NUMBERS, high=span, dtype=torch.uint64).numpy()
    counts = np.bincount((x >> np.uint64(60)).astype(int), minlength=12)
    assert chi_square(counts, np.array([2] * 4 + [1] * 8) / 16) > LEAST
    assert chi_square(counts, 1 / 12) < FOUND


@pytest.mark.parametrize("p", [0.5, 0.1, 0.001])
def test_trials_are_ones_as_often_as_they_should(p: float) -> None:
    x = random.bernoulli(random.key(SEED), NUMBERS, p=p).numpy()
    assert ones(np.array(x.sum()), NUMBERS, p) > LEAST
    assert ones(np.array((x[::2] & x[1::2]).sum()), NUMBERS // 2, p * p) > LEAST
    x[::20] = True
    assert ones(np.array(x.sum()), NUMBERS, p) < FOUND


def test_orders_are_alike() -> None:
    keys = random.split(random.key(SEED), 1 << 17)
    x = random.permutation(keys, 4).numpy()
    codes = [int(np.dot(one, (1, 4, 16, 64))) for one in permutations(range(4))]

    def counted(orders: Array) -> Array:
        return np.bincount(orders @ np.array([1, 4, 16, 64]), minlength=256)[codes]

    assert counted(x).sum() == len(x)
    assert chi_square(counted(x), 1 / 24) > LEAST
    x[::20] = np.arange(4)
    assert chi_square(counted(x), 1 / 24) < FOUND


def test_numbers_of_a_long_order_are_anywhere() -> None:
    n = 1 << 18
    x = random.permutation(random.key(SEED), n).numpy()

    def places(order: Array) -> float:
        counts = np.bincount(np.arange(n) * 32 // n * 32 + order * 32 // n, minlength=1024)
        # The sums of rows and columns are given, and no place is taken twice: n / (n - 1) times a table's.
        statistic, freedom = ((counts - n / 1024) ** 2 / (n / 1024)).sum() * (n - 1) / n, 31**2
        return float(2 * min(special.chdtr(freedom, statistic), special.chdtrc(freedom, statistic)))

    def rises(order: Array) -> float:
        risen = np.count_nonzero(order[1:] > order[:-1])
        return least(np.array([(risen - (n - 1) / 2) / np.sqrt((n + 1) / 12)]))

    assert places(x) > LEAST
    assert rises(x) > LEAST
    spoiled = x.copy()
    spoiled[: n // 8] = np.sort(x[: n // 8].reshape(-1, 2), 1).ravel()
    assert rises(spoiled) < FOUND
    spoiled[: n // 8] = np.sort(spoiled[: n // 8])
    assert places(spoiled) < FOUND
