"""Tests of words: the bits as they come, in positions, bytes, pairs, runs, gaps, ranks.

Frequencies, serial pairs, gaps, poker (here of hexadecimal digits), permutations: Knuth, The Art of
Computer Programming 2, 3.3.2.  Birthday spacings: Marsaglia; L'Ecuyer and Simard, "On the performance
of birthday spacings tests" (2001).  Ranks: Marsaglia and Tsay (1985).  Transitions and
autocorrelations: NIST SP 800-22, 2.3.
"""

from __future__ import annotations

from itertools import permutations
from math import comb

import numpy as np

from benchmarks.quality.verdict import Counts, Result, Test, chi_square, normal, normals, ones, poisson

Words = np.ndarray
BITS = 32
#: Distances of bits that are compared, and of words.
BIT_LAGS = range(1, 65)
WORD_LAGS = tuple(1 << k for k in range(20))
GAPS = 256  # lengths
GAP_SHIFT = 28  # a gap ends where the highest 4 bits are 0
_GAPS_OF_A_CHUNK = 15 / 16  # of those expected: a chunk's last is cut short, so no length is favoured
BIRTHDAYS, YEAR_BITS = 1 << 16, 42
SMALL_BIRTHDAYS = 1 << 12
ROWS = 32
RANK_CELLS = 4
ORDERED = 5


def count_bytes(words: Words) -> Counts:
    """(4, 256): each byte of a word."""
    four = words.view(np.uint8).reshape(-1, 4)
    return np.stack([np.bincount(four[:, i], minlength=256) for i in range(4)])


def judge_bytes(counts: Counts, chunks: int) -> list[Result]:
    results = [chi_square(f"bytes {i}", counts[i], 1 / 256) for i in range(4)]
    total = counts[0].sum()
    for bit in range(BITS):
        set_ = counts[bit // 8][np.arange(256) >> bit % 8 & 1 == 1].sum()
        results.append(ones(f"bit {bit}", set_, total))
    return results


def count_pairs(words: Words) -> Counts:
    """(3, 65536): a word's halves, and the low byte of each word with that of the next."""
    halves = words.view(np.uint16).reshape(-1, 2)
    low = words[: len(words) // 2 * 2].view(np.uint8).reshape(-1, 8)
    across = low[:, 0].astype(np.uint16) << 8 | low[:, 4]
    return np.stack([np.bincount(x, minlength=1 << 16) for x in (halves[:, 0], halves[:, 1], across)])


def judge_pairs(counts: Counts, chunks: int) -> list[Result]:
    names = ("low half", "high half", "pairs of words")
    return [chi_square(name, row, 2.0**-16) for name, row in zip(names, counts, strict=True)]


def count_transitions(words: Words) -> Counts:
    """How many bits differ from the one `lag` bits on, for each of `BIT_LAGS`; and the words' `WORD_LAGS`."""
    wide = words.view(np.uint64)
    here, after = wide[:-1], wide[1:]
    counts = []
    for lag in BIT_LAGS:
        shifted = after if lag == 64 else here >> np.uint64(lag) | after << np.uint64(64 - lag)
        counts.append(np.bitwise_count(here ^ shifted).sum(dtype=np.int64))
    for lag in WORD_LAGS:
        if lag < len(words):
            counts.append(np.bitwise_count(words[lag:] ^ words[:-lag]).sum(dtype=np.int64))
    return np.array([*counts, len(words)])


def judge_transitions(counts: Counts, chunks: int) -> list[Result]:
    size = int(counts[-1]) // chunks
    of = [(size // 2 - 1) * 64] * len(BIT_LAGS) + [(size - lag) * BITS for lag in WORD_LAGS if lag < size]
    names = [f"bits {lag} apart" for lag in BIT_LAGS] + [f"words {lag} apart" for lag in WORD_LAGS]
    return [ones(name, x, n * chunks) for name, x, n in zip(names, counts[:-1], of, strict=False)]


def count_gaps(words: Words) -> Counts:
    ends = np.flatnonzero(words >> GAP_SHIFT == 0)
    gaps = np.diff(ends)[: int(len(words) * 2.0 ** (GAP_SHIFT - BITS) * _GAPS_OF_A_CHUNK)]
    return np.bincount(np.minimum(gaps, GAPS), minlength=GAPS + 1)[1:]


def judge_gaps(counts: Counts, chunks: int) -> list[Result]:
    p = 2.0 ** (GAP_SHIFT - BITS)
    probabilities = p * (1 - p) ** np.arange(GAPS)
    probabilities[-1] = (1 - p) ** (GAPS - 1)
    return [chi_square("gaps", counts, probabilities)]


def count_digits(words: Words) -> Counts:
    """How many different hexadecimal digits a word has, 1 to 8."""
    seen = np.zeros(len(words), np.uint16)
    for place in range(0, BITS, 4):
        seen |= np.uint16(1) << (words >> np.uint32(place) & np.uint32(15)).astype(np.uint16)
    return np.bincount(np.bitwise_count(seen), minlength=9)[1:9]


def judge_digits(counts: Counts, chunks: int) -> list[Result]:
    def onto(k: int) -> int:  # functions of 8 places onto k digits
        return sum((-1) ** j * comb(k, j) * (k - j) ** 8 for j in range(k + 1))

    probabilities = np.array([comb(16, k) * onto(k) / 16.0**8 for k in range(1, 9)])
    return [chi_square("poker", counts, probabilities)]


def count_weights(words: Words) -> Counts:
    """(33, 33): the ones of a word and of the next."""
    weights = np.bitwise_count(words[: len(words) // 2 * 2]).reshape(-1, 2).astype(np.int64)
    return np.bincount(weights[:, 0] * 33 + weights[:, 1], minlength=33 * 33).reshape(33, 33)


def judge_weights(counts: Counts, chunks: int) -> list[Result]:
    one = np.array([comb(BITS, k) for k in range(BITS + 1)]) / 2.0**BITS
    both = counts.sum(0) + counts.sum(1)
    return [chi_square("weights", both, one), chi_square("weights of pairs", counts, np.outer(one, one))]


def count_spacings(words: Words) -> Counts:
    """Equal spacings: of 2**16 birthdays in a year of 2**42 days, made of two words each."""
    days = (words.view(np.uint64) >> np.uint64(64 - YEAR_BITS)).reshape(-1, BIRTHDAYS)
    return np.array([_equal_spacings(days), len(days)])


def count_low_spacings(words: Words) -> Counts:
    """The same of the low bits, which the other leaves out: 2**12 words are the birthdays of 2**32 days."""
    turned = words << np.uint32(16) | words >> np.uint32(16)
    days = turned.reshape(-1, SMALL_BIRTHDAYS)
    return np.array([_equal_spacings(days), len(days)])


def _equal_spacings(days: Words) -> int:
    spacings = np.sort(np.diff(np.sort(days, 1), axis=1), 1)
    return int((spacings[:, 1:] == spacings[:, :-1]).sum())


def judge_spacings(counts: Counts, chunks: int) -> list[Result]:
    return [poisson("birthday spacings", counts[0], counts[1] * BIRTHDAYS**3 / 2.0 ** (YEAR_BITS + 2))]


def judge_low_spacings(counts: Counts, chunks: int) -> list[Result]:
    mean = counts[1] * SMALL_BIRTHDAYS**3 / 2.0 ** (BITS + 2)
    return [poisson("birthday spacings, low bits", counts[0], mean)]


def count_ranks(words: Words) -> Counts:
    """The ranks of 32 x 32 matrices over two elements: 29 and below, 30, 31, 32."""
    rows = np.ascontiguousarray(words.reshape(-1, ROWS).T)
    rank = np.zeros(rows.shape[1], np.int64)
    for i in range(ROWS):
        pivot = rows[i]
        rank += pivot != 0
        lowest = pivot & (~pivot + np.uint32(1))
        rest = rows[i + 1 :]
        rest ^= np.where(rest & lowest != 0, pivot, np.uint32(0))
    return np.bincount(np.maximum(rank, ROWS - 3) - (ROWS - 3), minlength=RANK_CELLS)


def judge_ranks(counts: Counts, chunks: int) -> list[Result]:
    def probability(rank: int) -> float:
        product = 2.0 ** (rank * (2 * ROWS - rank) - ROWS * ROWS)
        for i in range(rank):
            product *= (1 - 2.0 ** (i - ROWS)) ** 2 / (1 - 2.0 ** (i - rank))
        return product

    full = [probability(rank) for rank in (ROWS - 2, ROWS - 1, ROWS)]
    return [chi_square("ranks", counts, np.array([1 - sum(full), *full]))]


_ORDERS = {order: i for i, order in enumerate(permutations(range(ORDERED)))}
_PAIRS = [(a, b) for a in range(ORDERED) for b in range(a)]
_CODES = np.full(1 << len(_PAIRS), -1)
for _order, _i in _ORDERS.items():
    _CODES[sum((_order[a] < _order[b]) << k for k, (a, b) in enumerate(_PAIRS))] = _i


def count_orders(words: Words) -> Counts:
    """The order of five words: 120, and those with equal words."""
    rows = words[: len(words) // ORDERED * ORDERED].reshape(-1, ORDERED)
    code = np.zeros(len(rows), np.int64)
    for k, (a, b) in enumerate(_PAIRS):
        code |= (rows[:, a] < rows[:, b]).astype(np.int64) << k
    return np.bincount(_CODES[code] + 1, minlength=len(_ORDERS) + 1)[1:]


def judge_orders(counts: Counts, chunks: int) -> list[Result]:
    return [chi_square("orders of five", counts, 1 / len(_ORDERS))]


def count_turns(words: Words) -> Counts:
    """Words that are larger, or smaller, than both neighbours."""
    rises = words[1:] > words[:-1]
    return np.array([(rises[1:] != rises[:-1]).sum(), len(words)])


def judge_turns(counts: Counts, chunks: int) -> list[Result]:
    n = counts[1] // chunks
    mean, variance = 2 * (n - 2) / 3 * chunks, (16 * n - 29) / 90 * chunks
    return [normal("turning points", (counts[0] - mean) / np.sqrt(variance))]


def count_products(words: Words) -> Counts:
    """Sums of products of centred words, 0 to 16 apart."""
    x = words * 2.0**-32 - (0.5 - 2.0**-33)
    return np.array([*(x[lag:] @ x[: len(x) - lag] for lag in range(1, 17)), len(x)])


def judge_products(counts: Counts, chunks: int) -> list[Result]:
    size = counts[-1] / chunks
    lags = np.arange(1, 17)
    deviations = counts[:-1] * 12 / np.sqrt((size - lags) * chunks)
    return normals([f"products {lag} apart" for lag in lags], deviations)


TESTS = (
    Test("bytes", count_bytes, judge_bytes),
    Test("pairs", count_pairs, judge_pairs),
    Test("transitions", count_transitions, judge_transitions, 2),
    Test("gaps", count_gaps, judge_gaps),
    Test("poker", count_digits, judge_digits),
    Test("weights", count_weights, judge_weights),
    Test("birthday spacings", count_spacings, judge_spacings, 4),
    Test("birthday spacings, low bits", count_low_spacings, judge_low_spacings, 8),
    Test("ranks", count_ranks, judge_ranks, 4),
    Test("orders of five", count_orders, judge_orders),
    Test("turning points", count_turns, judge_turns),
    Test("products", count_products, judge_products, 4),
)
