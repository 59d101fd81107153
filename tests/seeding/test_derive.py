"""One key, one stream: known answers, no collisions, no likeness between neighbours."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from samebits.seeding.derive import SEED_LIMIT, Key, checked_seed, philox

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "seeding.json").read_text())

numbers = st.integers(0, SEED_LIMIT - 1) | st.sampled_from([0, 1, 2**32, 2**64, SEED_LIMIT - 1])
paths = st.lists(numbers | st.text(), max_size=4).map(tuple)
keys = st.builds(Key, numbers, paths)


@pytest.mark.parametrize("vector", GOLDEN["keys"], ids=lambda vector: str(vector["key"]))
def test_known_answers(vector: Any) -> None:
    key = Key.from_state(vector["key"])
    assert key.digest().hex() == vector["digest"]
    assert [str(word) for word in key.words(6)] == vector["words"]
    assert key.permutation(8).tolist() == vector["permutation"]
    assert [key.python().getrandbits(32) for _ in range(1)] == vector["python"]
    assert [str(bits) for bits in key.numpy().bit_generator.random_raw(2)] == vector["numpy"]
    drawn = torch.randint(0, 2**31, (3,), generator=key.torch(), dtype=torch.int32)
    assert drawn.tolist() == vector["torch"]


@given(keys)
def test_repr_and_state_rebuild_it(key: Key) -> None:
    assert eval(repr(key), {"Key": Key}) == key  # noqa: S307
    assert Key.from_state(json.loads(json.dumps(key.state))) == key
    assert hash(Key(key.root, key.path)) == hash(key)


@given(keys, keys)
def test_different_keys_have_different_digests(a: Key, b: Key) -> None:
    assert (a == b) == (a.digest() == b.digest())


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Key(1), Key(1, (0,))),
        (Key(1, (1,)), Key(1, (1, 0))),
        (Key(2**32), Key(0, (1,))),
        (Key(1, (1,)), Key(1, ("1",))),
        (Key(1, ("ab", "c")), Key(1, ("a", "bc"))),
        (Key(1, ("",)), Key(1)),
        (Key(5), Key(5 + 2**32)),
        (Key(5), Key(5 + 2**64)),
        (Key(1, ("a\0",)), Key(1, ("a",))),
        (Key(0, (2**64,)), Key(0, (1,))),
        (Key(42, ("process", 1)), Key(43, ("process", 0))),
    ],
)
def test_what_collides_elsewhere_does_not_here(a: Key, b: Key) -> None:
    """numpy takes [1] and [1, 0] for one; torch drops the high bits; seed + rank shares streams."""
    assert a.digest() != b.digest()
    assert a.torch().get_state().ne(b.torch().get_state()).sum() > 2000
    assert a.python().getstate() != b.python().getstate()
    assert a.numpy().bit_generator.state != b.numpy().bit_generator.state


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), keys)
def test_the_fast_way_gives_the_same_digests(a: int, b: int, key: Key) -> None:
    assert key.numbered()(a, b) == key.child(a, b).digest()


@given(st.binary(min_size=16, max_size=16), st.integers(0, 40))
def test_our_philox_is_numpys(key: bytes, count: int) -> None:
    theirs = np.random.Philox(key=int.from_bytes(key, "little")).random_raw(count)
    assert philox(key, count) == theirs.tolist()


def test_the_three_mt19937s_draw_the_words_of_one_state() -> None:
    key = Key(3, ("one", "state"))
    legacy = np.random.RandomState(0)
    from samebits.seeding.mt19937 import numpy_state

    legacy.set_state(numpy_state(key.words(312)))
    python = key.python()
    expected = [python.getrandbits(32) for _ in range(700)]
    assert legacy.randint(0, 2**32, 700, dtype=np.uint32).tolist() == expected
    drawn = torch.empty(700, dtype=torch.int32).random_(generator=key.torch())
    assert drawn.tolist() == [word % 2**31 for word in expected]


@pytest.mark.parametrize("bad", [True, False, 1.5, None, "1", b"2", np.float64(3), np.bool_(True)])
def test_refuses_a_root_that_is_no_int(bad: Any) -> None:
    with pytest.raises(TypeError, match="the seed must be an int, got "):
        Key(bad)


@pytest.mark.parametrize("bad", [-1, -5, SEED_LIMIT, np.int64(-1)])
def test_refuses_a_root_out_of_range(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"must be in 0 \.\. 2\*\*128 - 1, got "):
        Key(bad)


@pytest.mark.parametrize("good", [np.int64(4), np.uint8(4), torch.tensor(4), 4])
def test_takes_every_integer_type(good: Any) -> None:
    key = Key(good, (good,))
    assert key == Key(4, (4,))
    assert type(key.root) is int
    assert repr(key) == "Key(4, (4,))"


@pytest.mark.parametrize(
    ("part", "error"), [(1.5, TypeError), (None, TypeError), (True, TypeError), (-1, ValueError)]
)
def test_refuses_a_part_that_is_neither_name_nor_number(part: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="a part of a path must be a str or an int"):
        Key(1).child("a", part)


def test_refuses_a_name_for_a_path() -> None:
    with pytest.raises(TypeError, match=r"the path must be a tuple, got 'worker'; write \('worker',\)"):
        Key(7, "worker")  # type: ignore[arg-type]


@pytest.mark.parametrize("bits", [0, 129, -1])
def test_integer_says_how_many_bits_there_are(bits: int) -> None:
    with pytest.raises(ValueError, match=r"1 \.\. 128"):
        Key(1).integer(bits)
    assert Key(1).integer(128) % 2**31 == Key(1).integer(31)


def test_checked_seed_names_the_caller() -> None:
    with pytest.raises(TypeError, match=r"^thing: "):
        checked_seed("x", "thing")


@pytest.mark.parametrize("count", [0, 1, 2, 1000])
def test_permutation_holds_each_once(count: int) -> None:
    assert sorted(Key(1).permutation(count).tolist()) == list(range(count))


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [25, pytest.param(250, marks=pytest.mark.deep)])
def test_millions_of_paths_do_not_collide(epochs: int) -> None:
    """Five seeds of a sweep, four purposes, eight ranks; epochs of 250 samples each."""
    rows, count = [], 40_000 * epochs
    for root in (0, 1, 2, 2**32, 2**64):
        for purpose in ("process", "worker", "sample", "order"):
            for rank in range(8):
                digest = Key(root, (purpose, rank)).numbered()
                rows.append(
                    b"".join(digest(epoch, sample) for epoch in range(epochs) for sample in range(250))
                )
    digests = np.frombuffer(b"".join(rows), dtype="<u8").reshape(-1, 2)
    assert len(digests) == count
    for half in (0, 1):  # either half alone is enough for a device's 64-bit seed
        assert len(np.unique(digests[:, half])) == count
    assert (
        len(np.unique(digests[:, 0] & 0xFFFFFFFF)) < count - count**2 // 10**10
    )  # what 32 bits of a seed would do


def first_draws(kind: str, count: int) -> np.ndarray[Any, Any]:
    """The first uniform draw of each of `count` neighbours."""
    draw = {
        "python": lambda key: key.python().random(),
        "numpy": lambda key: key.numpy().random(),
        "torch": lambda key: torch.rand((), generator=key.torch(), dtype=torch.float64).item(),
    }[kind]
    return np.array([draw(Key(7, ("worker", index))) for index in range(count)])


@pytest.mark.parametrize("kind", ["python", "numpy", "torch"])
def test_neighbours_are_uniform_and_uncorrelated(kind: str) -> None:
    draws = first_draws(kind, 4000)
    counts, _ = np.histogram(draws, bins=20, range=(0, 1))
    assert ((counts - 200) ** 2 / 200).sum() < 50.8  # chi-square, 19 degrees of freedom: p = 1e-4
    for lag in (1, 2, 8):
        assert abs(np.corrcoef(draws[:-lag], draws[lag:])[0, 1]) < 4 / np.sqrt(4000)


def test_streams_of_neighbours_do_not_move_together() -> None:
    streams = np.stack([Key(7, ("rank", rank)).numpy().standard_normal(4000) for rank in range(12)])
    correlation = np.corrcoef(streams) - np.eye(12)
    assert np.abs(correlation).max() < 5 / np.sqrt(4000)


def test_every_bit_of_the_root_counts() -> None:
    """Flipping one changes half of the digest."""
    root = random.Random(5).getrandbits(128)
    base = Key(root).integer(128)
    changed = [(base ^ Key(root ^ (1 << bit)).integer(128)).bit_count() for bit in range(128)]
    assert min(changed) > 30
    assert 60 < np.mean(changed) < 68
