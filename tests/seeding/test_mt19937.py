"""The three process-wide generators: set to known streams, and put back as if nothing had been."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samebits.seeding import mt19937
from samebits.seeding.derive import Key
from samebits.seeding.mt19937 import ProcessStreams

pytestmark = pytest.mark.usefixtures("generators_restored")


@pytest.fixture(params=["fast", "public"])
def streams(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessStreams]:
    """Both ways to Python's words: through memory, and where its layout is unknown through setstate."""
    if request.param == "public":
        monkeypatch.setattr(mt19937._FastPython, "works", lambda: False)
    own = np.random.get_bit_generator()
    yield ProcessStreams()
    np.random.set_bit_generator(own)


def everything() -> tuple[Any, ...]:
    numpy_state = np.random.get_state(legacy=False)
    return random.getstate(), repr(numpy_state), bytes(torch.get_rng_state().numpy())


def draw() -> tuple[Any, ...]:
    return (
        random.getrandbits(64), random.gauss(0, 1), np.random.rand(3).tolist(), np.random.randn(),
        torch.rand(3).tolist(), torch.randn(3).tolist(),
    )  # fmt: skip


def test_this_interpreter_keeps_its_words_where_we_look() -> None:
    assert mt19937._FastPython.works()


def test_sets_the_three_parts_of_a_keys_words(streams: ProcessStreams) -> None:
    key = Key(3, ("sample", 1, 2))
    words = key.words(936)
    streams.set(key.digest())
    expected = mt19937.numpy_state(words[312:624])
    assert np.random.get_state(legacy=False)["state"]["key"].tolist() == expected["state"]["key"].tolist()
    assert list(random.getstate()[1]) == [*mt19937.words32(words[:312]).tolist(), 624]
    assert torch.get_rng_state().tolist()[24:] == mt19937.torch_state(words[624:]).tolist()[24:]


def test_what_was_drawn_before_does_not_show(streams: ProcessStreams) -> None:
    digest = Key(3).digest()
    streams.set(digest)
    first = draw()
    for _ in range(3):
        draw()
        streams.set(digest)
        assert draw() == first
    streams.set(Key(4).digest())
    assert not set(map(str, draw())) & set(map(str, first))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 700))
def test_puts_back_exactly_what_was(
    streams: ProcessStreams, gauss: int, normals: int, floats: int, others: int
) -> None:
    """Whatever was drawn before: spare normal numbers of each library, any position in the block."""
    np.random.set_bit_generator(np.random.MT19937(others))
    random.seed(others)
    torch.manual_seed(others)
    for _ in range(gauss):
        random.gauss(0, 1)
    for _ in range(others):
        random.getrandbits(32)
    np.random.rand(others)
    for _ in range(normals):
        np.random.randn()
    for _ in range(floats):
        torch.randn(1)
    before = everything()
    saved = streams.save()
    streams.set(Key(1).digest())
    draw()
    at_inner = everything()
    inner = streams.save()
    streams.set(Key(2).digest())
    draw()
    streams.put_back(inner)
    assert everything() == at_inner
    streams.put_back(saved)
    assert everything() == before


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.Philox, np.random.SFC64])
@pytest.mark.parametrize("normals", [0, 1])
def test_puts_back_a_generator_the_program_exchanged(
    streams: ProcessStreams, kind: Any, normals: int
) -> None:
    generator = kind(5)
    np.random.set_bit_generator(generator)
    for _ in range(normals):
        np.random.standard_normal()
    before = repr(np.random.get_state(legacy=False))
    saved = streams.save()
    streams.set(Key(1).digest())
    draw()
    streams.put_back(saved)
    assert np.random.get_bit_generator() is generator
    assert repr(np.random.get_state(legacy=False)) == before


def test_a_script_may_reseed_meanwhile(streams: ProcessStreams) -> None:
    before = everything()
    saved = streams.save()
    streams.set(Key(1).digest())
    np.random.seed(5), random.seed(5), torch.manual_seed(5)
    np.random.seed(6)
    expected = np.random.RandomState(6).rand()
    assert np.random.rand() == expected
    streams.put_back(saved)
    assert everything() == before
