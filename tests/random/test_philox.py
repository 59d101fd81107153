"""The words: Random123's known answers, in Python integers, in torch and in the core."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from samebits.random import core, philox
from samebits.random.one_word import UNIT, Distribution

from .cases import Case, drawn, key, keys

CPU = torch.device("cpu")
BITS = Case(Distribution.INTEGER, torch.uint32, UNIT)

#: Counter, key, words: kat_vectors of Random123 1.14, philox4x32 with 10 rounds.
ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]
U64 = st.integers(0, 2**64 - 1)


def _numbers(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


def _pair(low: int, high: int) -> int:
    return low | high << 32


@pytest.mark.parametrize(("counter", "given_key", "words"), ANSWERS)
def test_known_answers(counter: str, given_key: str, words: str) -> None:
    c, k, expected = _numbers(counter), _numbers(given_key), _numbers(words)
    seed, n, s = _pair(*k), _pair(*c[:2]), _pair(*c[2:])
    assert list(philox.block(seed, n, s)) == expected
    assert [int(w) for w in philox.blocks(key(seed, n), torch.zeros(1, dtype=torch.int64), s)] == expected
    loaded = core.load()
    if loaded is not None:
        out = torch.empty(2, dtype=torch.uint64)
        loaded.derive(out, key(seed, n), 0, s, 1)
        assert out.tolist() == [_pair(*expected[:2]), _pair(*expected[2:])]


@pytest.mark.parametrize("tier", core.tiers())
@pytest.mark.parametrize("offset", [0, 1, 2**32 - 3, 2**63 - 2, 2**64 - 5])
def test_each_tier_has_the_words_of_the_integers(tier: str, offset: int) -> None:
    seed = 0x0123456789ABCDEF
    expected = [w for call in range(40) for w in philox.block(seed, offset + call)]
    assert drawn(BITS, tier, key(seed, offset), (160,)).view(torch.uint32).tolist() == expected


@given(U64, U64, U64, st.integers(-(2**63), 2**63 - 1))
def test_torch_has_the_words_of_the_integers(seed: int, offset: int, s: int, call: int) -> None:
    words = philox.blocks(key(seed, offset), torch.tensor([call]), s)
    assert tuple(int(w) for w in words) == philox.block(seed, offset + call, s)


def test_counters_wrap() -> None:
    assert philox.block(7, 2**64 + 3, 2**64 + 5) == philox.block(7, 3, 5)


@given(st.integers(0, 2**40), st.integers(0, 40))
def test_elements_of_a_run_and_by_number_are_the_same(first: int, count: int) -> None:
    k, numbers = keys((5, 2**64 - 9), (6, 7)), torch.arange(first, first + count)
    assert torch.equal(philox.word32(k, (first, count), CPU), philox.word32(k, numbers, CPU))
    for run, chosen in zip(
        philox.word64(k, (first, count), CPU), philox.word64(k, numbers, CPU), strict=True
    ):
        assert torch.equal(run, chosen)


def test_which_words_an_element_has() -> None:
    k = key(99, 12)
    narrow = philox.word32(k, (0, 12), CPU).tolist()
    assert narrow == [philox.block(99, 12 + i // 4)[i % 4] for i in range(12)]
    high, low = philox.word64(k, (0, 12), CPU)
    wide = [philox.block(99, 12 + i // 2)[2 * (i % 2) :] for i in range(12)]
    assert list(zip(high.tolist(), low.tolist(), strict=True)) == [words[:2] for words in wide]
    attempts = philox.blocks(k, torch.tensor([3, 0]), 2)
    assert [w.tolist() for w in attempts] == [
        list(pair) for pair in zip(philox.block(99, 15, 2), philox.block(99, 12, 2), strict=True)
    ]
