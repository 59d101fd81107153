"""Keys: derived ones are upstream's, for ever, and never meet by accident of how they were asked for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xxhash
from hypothesis import given
from hypothesis import strategies as st

import samebits.random as sr
from samebits import Key, Streams
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
    (lambda: sr.key(Streams(1)), TypeError, "the seed must be an int, got Streams(Key(1, ('streams',)))"),
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


GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "keys.json").read_text("utf-8"))
SAMEBITS_KEY = Key(7).child("weights", 3)

#: What every function is given after its key.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "beta": (2.0, 3.0, 5),
    "binomial": (10, 0.3, 5),
    "choice": (9, 5),
    "dirichlet": (torch.ones(3), 5),
    "dropout": (torch.ones(50),),
    "fold_in": ("name",),
    "gamma": (2.0, 5),
    "multinomial": (torch.ones(9), 5),
    "permutation": (9,),
    "poisson": (3.0, 5),
    "split": (3,),
}
KEYWORDS: dict[str, dict[str, Any]] = {
    "categorical": {"weights": torch.ones(9), "num_samples": 5},
    "randint": {"high": 1000},
}
OTHER = {"KeyLike", "get_state", "key", "portable", "scope", "set_state"}


def test_known_answers_of_keys() -> None:
    for row in GOLDEN["keys"]:
        assert sr.key(Key.from_state(row["key"])).tolist() == list(map(int, row["philox"])), row
    assert len({tuple(row["philox"]) for row in GOLDEN["keys"]}) == len(GOLDEN["keys"])
    streams = Streams(7)
    named = [streams.key("dropout"), streams.key(""), streams.child("block").key("dropout")]
    named.append(streams.per_rank(1).key("dropout"))
    assert [key.state for key in named] == [row["key"] for row in GOLDEN["keys"][-4:]]


@pytest.mark.parametrize("name", sorted(set(sr.__all__) - OTHER))
def test_every_function_takes_a_key_of_samebits(name: str) -> None:
    function, given = getattr(sr, name), ARGUMENTS.get(name, () if name in KEYWORDS else (5,))
    if name == "randint":
        given = (5,)
    one, other, another = (
        function(key, *given, **KEYWORDS.get(name, {}))
        for key in (SAMEBITS_KEY, sr.key(SAMEBITS_KEY), sr.key(SAMEBITS_KEY.child(0)))
    )
    assert torch.equal(one, other)
    assert name in ("bernoulli", "geometric") or not torch.equal(one, another)


def test_a_key_draws_into_a_tensor_and_by_probabilities_of_each_element() -> None:
    p = torch.linspace(0, 1, 64)
    assert torch.equal(sr.bernoulli(SAMEBITS_KEY, p=p), sr.bernoulli(sr.key(SAMEBITS_KEY), p=p))
    out = torch.empty(3)
    assert sr.normal(SAMEBITS_KEY, out=out) is out
    assert torch.equal(out, sr.normal(sr.key(SAMEBITS_KEY), 3))
    part = sr.uniform(SAMEBITS_KEY, 4, 6, shard=((1, 2), (2, 3)))
    assert torch.equal(part, sr.uniform(SAMEBITS_KEY, 4, 6)[1:3, 2:5])
    assert sr.uniform(SAMEBITS_KEY, 3, device="meta").device.type == "meta"


def test_a_key_is_the_seed_of_its_digest() -> None:
    assert sr.key(SAMEBITS_KEY).tolist() == sr.key(SAMEBITS_KEY.integer(128)).tolist()
    assert sr.key(SAMEBITS_KEY, device="meta").device.type == "meta"
    assert sr.key(Key(7)).tolist() != sr.key(7).tolist()


def test_different_keys_are_different_keys() -> None:
    """Of a hundred thousand keys not even halves meet: a seed alone would let counters overlap."""
    root = Key(3)
    made = [sr.key(root.child(a, b)).tolist() for a in range(100) for b in range(200)]
    made += [sr.key(seed).tolist() for seed in range(2**64, 2**64 + 2_000)]
    seeds = {seed for seed, _ in made} | set(range(20_000))
    assert len(seeds) == len(made) + 20_000
    assert len({offset for _, offset in made} | {0}) == len(made) + 1


def test_upstreams_key_is_a_key_as_it_is() -> None:
    upstream = pytest.importorskip("torch.func._random").key(42)
    assert torch.equal(upstream, sr.key(42))
    assert torch.equal(sr.normal(upstream, 5), sr.normal(sr.key(42), 5))
    assert torch.equal(sr.fold_in(upstream, 3), sr.fold_in(sr.key(42), 3))
    by_hand = torch.tensor([42, 17], dtype=torch.uint64)
    assert torch.equal(sr.uniform(by_hand, 5), sr.uniform(sr.key(42), 4 * 17 + 5)[-5:])


@pytest.mark.slow
def test_a_compiled_function_draws_by_a_key() -> None:
    """The compiler follows no hash: it leaves making the tensor to Python, and guards nothing wrongly."""

    def drawn(x: torch.Tensor, key: Key) -> torch.Tensor:
        return x + sr.normal(key, 3)

    compiled = torch.compile(drawn, backend="aot_eager")
    for key in (Key(7), Key(8), Key(2**100), Key(7, ("a", 3)), Key(7, ("a", 4)), Key(7)):
        assert torch.equal(compiled(torch.zeros(3), key), drawn(torch.zeros(3), key)), key
    torch._dynamo.reset()
