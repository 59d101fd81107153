"""Keys: derived ones are upstream's, for ever, and never meet by accident of how they were asked for."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
import xxhash
from hypothesis import given
from hypothesis import strategies as st

import samebits.random as sr
from samebits.random import core, keys, philox

from . import cases

U64 = st.integers(0, 2**64 - 1)
TIERS = sorted({"eager", core.tiers()[-1]})

#: Never to be changed: the keys of key(42), by number and by name.
KNOWN = {
    0: "77f5493b9ceaf053 5742b3d712bf50ad",
    1: "53ba6cfdfcdb2127 744e06fb838f5a6e",
    2**64 - 1: "176438358f40bd76 d013aba56fae237c",
    "": "7f670d263c4fce5b c2b8a5ce764dea9b",
    "encoder.layer.0": "2fefbd707f6d3741 fc2c989c8155e1e0",
    "Schicht ä": "aeedfa32cf8467e7 9eea4e9c495030e8",
}


@pytest.fixture(params=TIERS)
def tier(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    with core.using(request.param):
        yield request.param


def test_key_is_the_seed_and_no_offset() -> None:
    for seed, expected in ((0, 0), (42, 42), (2**63, 2**63), (2**64 - 1, 2**64 - 1)):
        key = sr.key(seed)
        assert key.dtype is torch.uint64
        assert key.tolist() == [expected, 0]
    assert sr.key(np.int64(5)).tolist() == sr.key(5).tolist()
    assert sr.key(3, device="meta").device.type == "meta"


def test_known_answers(tier: str) -> None:
    assert {data: "{:016x} {:016x}".format(*sr.fold_in(sr.key(42), data).tolist()) for data in KNOWN} == KNOWN


def test_a_wide_seed_is_derived_from_its_halves() -> None:
    low, high = 5, 7
    assert sr.key(high * 2**64 + low).tolist() == list(keys.derived(low, 0, high, 2))
    assert sr.key(2**64).tolist() == [2493203709611413247, 7844406076378205201]  # for ever


@given(U64, U64, st.integers(1, 20))
def test_split_is_fold_in_of_each_number(seed: int, offset: int, num: int) -> None:
    key = cases.key(seed, offset)
    for tier in TIERS:
        with core.using(tier):
            split = sr.split(key, num)
            assert split.shape == (num, 2)
            for i in range(num):
                assert split[i].tolist() == sr.fold_in(key, i).tolist() == list(keys.derived(seed, offset, i))


@given(U64, U64, st.integers(-(2**63), 2**64 - 1))
def test_fold_in_wraps_as_upstream(seed: int, offset: int, data: int) -> None:
    w = philox.block(seed, offset + data)
    expected = [w[0] | w[1] << 32, w[2] | w[3] << 32]
    for tier in TIERS:
        with core.using(tier):
            assert sr.fold_in(cases.key(seed, offset), data).tolist() == expected


@given(U64, U64, st.text(st.characters(exclude_categories=["Cs"])))
def test_names(seed: int, offset: int, name: str) -> None:
    digest = xxhash.xxh3_128_intdigest(name.encode())
    n, subsequence = digest % 2**64, digest >> 64 | 1
    expected = list(keys.derived(seed, offset, n, subsequence))
    for tier in TIERS:
        with core.using(tier):
            folded = sr.fold_in(cases.key(seed, offset), name)
            assert folded.tolist() == expected
            # The same counter, were it a number's: the subsequence keeps them apart.
            assert folded.tolist() != sr.fold_in(cases.key(seed, offset), n).tolist()


def test_batches_are_key_by_key(tier: str) -> None:
    batch = sr.split(sr.key(1), 6).reshape(2, 3, 2)
    split, folded, named = sr.split(batch, 4), sr.fold_in(batch, 9), sr.fold_in(batch, "x")
    assert split.shape == (4, 2, 3, 2)
    assert folded.shape == named.shape == (2, 3, 2)
    for i in range(2):
        for j in range(3):
            assert torch.equal(split[:, i, j], sr.split(batch[i, j], 4))
            assert torch.equal(folded[i, j], sr.fold_in(batch[i, j], 9))
            assert torch.equal(named[i, j], sr.fold_in(batch[i, j], "x"))


def test_views_are_keys_as_their_copies_are(tier: str) -> None:
    batch = sr.split(sr.key(1), 12).reshape(3, 4, 2)
    for view in (batch[:, 1], batch.transpose(0, 1), batch[::2, ::3], batch[0, 1].expand(5, 2)):
        assert torch.equal(sr.split(view, 3), sr.split(view.clone(), 3))
        assert torch.equal(sr.fold_in(view, 2), sr.fold_in(view.clone(), 2))
        assert torch.equal(sr.bits(view, *view.shape[:-1], 5), sr.bits(view.clone(), *view.shape[:-1], 5))


def test_no_keys_make_none(tier: str) -> None:
    none = torch.empty((0, 2), dtype=torch.uint64)
    assert sr.split(none, 3).shape == (3, 0, 2)
    assert sr.fold_in(none, 3).shape == (0, 2)
    assert sr.uniform(none, 0, 4).shape == (0, 4)


def test_derived_keys_are_all_different() -> None:
    seen = [tuple(pair) for pair in sr.split(sr.key(3), 20_000).tolist()]
    seen += [tuple(sr.fold_in(sr.key(3), str(i)).tolist()) for i in range(2_000)]
    assert len(set(seen)) == len(seen)


def test_vmap_derives_each() -> None:
    batch = sr.split(sr.key(1), 5)
    assert torch.equal(torch.vmap(lambda k: sr.fold_in(k, 7))(batch), sr.fold_in(batch, 7))
    assert torch.equal(torch.vmap(lambda k: sr.split(k, 3), out_dims=1)(batch), sr.split(batch, 3))


WRONG = [
    (lambda: sr.key(1.5), TypeError, "samebits.random.key: the seed must be an int, got 1.5"),
    (lambda: sr.key(True), TypeError, "samebits.random.key: the seed must be an int, got True"),
    (lambda: sr.key("1"), TypeError, "samebits.random.key: the seed must be an int, got '1'"),
    (lambda: sr.key(2**128), ValueError, "the seed must be in 0 .. 2**128 - 1, got 3402"),
    (lambda: sr.key(-1), ValueError, "the seed must be in 0 .. 2**128 - 1, got -1"),
    (lambda: sr.split(sr.key(1), 0), ValueError, "num must be at least 1, not 0"),
    (lambda: sr.split(sr.key(1), 2.0), TypeError, "num must be an integer, not 2.0"),
    (lambda: sr.fold_in(sr.key(1), 1.0), TypeError, "data must be an integer, not 1.0"),
    (lambda: sr.fold_in(sr.key(1), b"x"), TypeError, "data must be an integer, not a bytes"),
    (lambda: sr.fold_in(sr.key(1), 2**64), ValueError, "data must have 64 bits"),
    (lambda: sr.fold_in(5, 1), TypeError, "a key comes first: samebits.random.key(seed)"),
    (lambda: sr.split(torch.Generator()), TypeError, "got a Generator"),
    (lambda: sr.split(torch.zeros(2, dtype=torch.int64)), TypeError, "got one of torch.int64"),
    (lambda: sr.split(torch.zeros(3, dtype=torch.uint64)), ValueError, "a key has the shape (2,)"),
    (lambda: sr.split(torch.zeros((), dtype=torch.uint64)), ValueError, "got ()"),
]


@pytest.mark.parametrize(("call", "kind", "text"), WRONG)
def test_errors(call, kind: type[Exception], text: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(kind, match=re.escape(text)):
        call()
