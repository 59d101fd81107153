"""Generators without a seed: derived ones, the same in every run, and the system's own entropy left alone."""

from __future__ import annotations

import copy
import os
import pickle
import random
import secrets
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from samebits.control.entropy import EntropySource
from samebits.control.process_key import ProcessKey
from samebits.control.program_seeds import ProgramSeeds
from samebits.control.settings import Control

pytestmark = pytest.mark.usefixtures("generators_restored")


@contextmanager
def controlled(seed: int = 1, *path: int | str) -> Iterator[EntropySource]:
    entropy = EntropySource(ProcessKey(Control(seed), path), ProgramSeeds())
    entropy.install()
    entropy.torch(torch)
    try:
        yield entropy
    finally:
        entropy.uninstall()


def again(use: Callable[[], Any], seed: int = 1, *path: int | str) -> list[Any]:
    with controlled(seed, *path):
        return [use(), use()]


def _global(seed: Callable[..., Any], draw: Callable[[], Any], *args: Any) -> Callable[[], Any]:
    def use() -> Any:
        seed(*args)
        return draw()

    return use


def _bits(kind: type[Any]) -> Callable[[], int]:
    return lambda: int(kind().random_raw())


ENTROPY: dict[str, Callable[[], Any]] = {
    "default_rng": lambda: np.random.default_rng().random(),
    "default_rng(None)": lambda: np.random.default_rng(None).random(),
    "SeedSequence": lambda: np.random.SeedSequence().entropy,
    "a wide SeedSequence": lambda: np.random.SeedSequence(pool_size=8).entropy,
    "RandomState": lambda: np.random.RandomState().rand(),
    "PCG64": _bits(np.random.PCG64),
    "PCG64DXSM": _bits(np.random.PCG64DXSM),
    "MT19937": _bits(np.random.MT19937),
    "Philox": _bits(np.random.Philox),
    "SFC64": _bits(np.random.SFC64),
    # numpy leaves the position in the block of 624 numbers where it is, hence the first seed.
    "np.random.seed()": lambda: (np.random.seed(0), np.random.seed(), np.random.rand())[2],
    "np.random.seed(None)": lambda: (np.random.seed(0), np.random.seed(None), np.random.rand())[2],
    "random.Random": lambda: random.Random().random(),
    "random.Random(None)": lambda: random.Random(None).random(),
    "a subclass of Random": lambda: type("Mine", (random.Random,), {})().random(),
    "random.seed()": lambda: (random.seed(), random.random())[1],
    "random.seed(None)": lambda: (random.seed(None), random.random())[1],
    "Random.seed()": lambda: (lambda r: (r.seed(), r.random())[1])(random.Random(3)),
    "torch.seed": lambda: (torch.seed(), torch.rand(1).item()),
    "torch.random.seed": lambda: (torch.random.seed(), torch.rand(1).item()),
}


@pytest.mark.parametrize("name", ENTROPY)
def test_without_a_seed_it_repeats_and_no_two_are_alike(name: str) -> None:
    first = again(ENTROPY[name])
    assert first == again(ENTROPY[name])
    others = [again(ENTROPY[name], 2), again(ENTROPY[name], 1, "fork", 0)]
    drawn = [repr(value) for values in (first, *others) for value in values]
    assert len(set(drawn)) == 6, drawn


@pytest.mark.parametrize("name", ENTROPY)
def test_without_control_it_is_the_systems_again(name: str) -> None:
    again(ENTROPY[name])
    assert ENTROPY[name]() != ENTROPY[name]()


def test_what_is_seeded_is_left_alone() -> None:
    def draw() -> list[Any]:
        random.seed(3)
        np.random.seed(3)
        torch.manual_seed(3)
        return [
            random.random(), random.Random("x").random(), np.random.rand(), np.random.default_rng(3).random(),
            np.random.RandomState(3).rand(), torch.rand(1).item(), random.Random(b"y").random(),
        ]  # fmt: skip

    plain = draw()
    with controlled():
        assert draw() == plain


def test_the_systems_entropy_stays() -> None:
    def use() -> list[Any]:
        system = random.SystemRandom()
        system.seed()
        return [
            os.urandom(16), uuid.uuid4(), secrets.token_hex(16), secrets.randbits(64), system.random(),
            secrets.SystemRandom().getrandbits(64),
        ]  # fmt: skip

    first, second = again(use), again(use)
    assert all(a != b for x, y in zip(first, second, strict=True) for a, b in zip(x, y, strict=True))


def test_names_of_temporary_files_differ_between_runs() -> None:
    def name() -> str:
        return next(tempfile._RandomNameSequence())  # type: ignore[attr-defined]

    assert not set(again(name)) & set(again(name))
    assert tempfile._Random is random.Random  # type: ignore[attr-defined]


def test_every_name_is_put_back() -> None:
    bits = np.random.bit_generator
    places: list[tuple[Any, str]] = [
        (random, "seed"), (random.Random, "seed"), (bits, "randbits"), (torch, "seed"),
        (torch.random, "seed"), (torch.cuda, "seed"), (torch.cuda, "seed_all"), (torch.cuda.random, "seed"),
        (torch.cuda.random, "seed_all"),
    ]  # fmt: skip
    before = [getattr(owner, name) for owner, name in places]
    with controlled():
        during = [getattr(owner, name) for owner, name in places]
    assert [getattr(owner, name) for owner, name in places] == before
    assert all(a is not b for a, b in zip(before[1:], during[1:], strict=True))


def test_cuda_takes_a_derived_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed", asked.append)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", asked.append)
    for _ in range(2):
        with controlled():
            torch.cuda.seed()
            torch.cuda.random.seed_all()
    assert asked[:2] == asked[2:]
    assert len(set(asked)) == 2


def test_a_library_that_asks_more_often_moves_nobody_else() -> None:
    library: dict[str, Any] = {"__name__": "a_library"}
    exec("import random\ndef make(): return random.Random().random()", library)
    with controlled():
        alone = [random.Random().random() for _ in range(3)]
    with controlled():
        mixed = [(library["make"](), random.Random().random())[1] for _ in range(3)]
    assert alone == mixed


def test_copies_and_pickles_of_generators_keep_their_state() -> None:
    with controlled():
        generator = random.Random(5)
        copies = [copy.deepcopy(generator), pickle.loads(pickle.dumps(generator))]
        assert [each.random() for each in copies] == [random.Random(5).random()] * 2


def test_keys_of_ours_ask_for_nothing() -> None:
    from samebits.seeding.derive import Key

    with controlled() as entropy:
        Key(3).words(4)
        Key(3).numpy().random()
        assert not entropy.process_key.counts
