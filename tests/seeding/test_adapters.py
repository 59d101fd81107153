"""Every kind of generator is read and written whole, as plain data, and a foreign state is refused."""

from __future__ import annotations

import io
import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from samebits.seeding import Key, accelerator, adapters
from samebits.seeding.adapters import adapter_of, process_wide
from samebits.seeding.serialization import equal

from .conftest import FakeModule
from .kinds import MAKE, draws, process_draws

kinds = pytest.mark.parametrize("kind", MAKE)


def held(thing: object) -> Any:
    adapter = adapter_of(thing)
    assert adapter is not None
    return adapter


def through_a_file(state: Any) -> Any:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@kinds
@given(seed=st.integers(0, 2**32 - 2), before=st.integers(0, 5), after=st.integers(1, 700))
def test_a_state_continues_through_a_file_in_another_generator(
    kind: str, seed: int, before: int, after: int
) -> None:
    generator = MAKE[kind](seed)
    for count in range(before):
        draws(generator, count + 1)
    adapter = held(generator)
    state = through_a_file(adapter.capture())
    expected = draws(generator, after)
    other = MAKE[kind](seed + 1)
    draws(other)
    target = held(other)
    target.check(state)
    target.restore(state)
    if kind in ("PCG64", "PCG64DXSM", "Philox", "SFC64", "MT19937"):
        assert draws(other, after) == expected  # its children, too: the SeedSequence is part of the state
    assert target.kind == adapter.kind
    target.restore(state)
    assert draws(other, after) == expected


@kinds
def test_capturing_and_checking_draw_nothing_and_a_state_is_nobody_elses(kind: str) -> None:
    generator, twin = MAKE[kind](1), MAKE[kind](1)
    adapter = held(generator)
    state = adapter.capture()
    kept = through_a_file(state)
    adapter.check(state)
    assert draws(generator) == draws(twin)
    draws(generator)
    assert equal(state, kept)  # drawing moved no tensor of it
    adapter.restore(state)
    draws(generator)
    assert equal(state, kept)


@kinds
def test_save_and_put_back(kind: str) -> None:
    generator, twin = MAKE[kind](1), MAKE[kind](1)
    draws(generator), draws(twin)
    adapter = held(generator)
    for move in (lambda: draws(generator), lambda: adapter.start(Key(3))):
        saved = adapter.save()
        move()
        adapter.put_back(saved)
    assert draws(generator) == draws(twin)


@kinds
def test_start_is_the_same_stream_wherever_the_generator_stood(kind: str) -> None:
    seen = []
    for seed, key in ((1, Key(5)), (2, Key(5)), (2, Key(6))):
        generator = MAKE[kind](seed)
        draws(generator)
        adapter = held(generator)
        adapter.start(key)
        seen.append(draws(generator))
    assert seen[0] == seen[1] != seen[2]


@kinds
@pytest.mark.parametrize("other", MAKE)
def test_another_kinds_state_is_refused_and_changes_nothing(kind: str, other: str) -> None:
    generator, twin = MAKE[kind](1), MAKE[kind](1)
    adapter, source = held(generator), held(MAKE[other](1))
    if adapter.kind == source.kind:
        return
    with pytest.raises((ValueError, KeyError)):
        adapter.check(source.capture())
    assert draws(generator) == draws(twin)


def test_the_children_a_generator_spawned_are_part_of_its_state() -> None:
    rng = np.random.default_rng(4)
    rng.spawn(3)
    adapter = held(rng)
    state = through_a_file(adapter.capture())
    fourth = rng.spawn(1)[0].random()
    again = np.random.default_rng(4)
    target = held(again)
    target.restore(state)
    assert again.spawn(1)[0].random() == fourth


@pytest.mark.parametrize(
    "entropy", [0, 2**200, ["7", "0x12", 8], [1, 2**70, 3], np.arange(4, dtype=np.uint32)]
)
def test_every_form_of_entropy(entropy: Any) -> None:
    sequence = np.random.SeedSequence(entropy, spawn_key=(2**40, 1), pool_size=8)
    rng = np.random.Generator(np.random.SFC64(sequence))
    rng.spawn(2)
    adapter, target = held(rng), held(other := np.random.Generator(np.random.SFC64(1)))
    target.restore(through_a_file(adapter.capture()))
    assert other.spawn(1)[0].random() == rng.spawn(1)[0].random()


def test_generators_over_one_bit_generator_are_one() -> None:
    bits = np.random.PCG64(1)
    found = [held(thing) for thing in (bits, np.random.Generator(bits), np.random.Generator(bits))]
    assert len({adapter.identity for adapter in found}) == 1


class OwnState(random.Random):
    def getstate(self) -> Any:
        raise AssertionError("the program's code was run")


@pytest.mark.parametrize(
    "thing", [random.SystemRandom(), OwnState(), 5, None, torch.zeros(2), random, object]
)
def test_what_holds_no_state_that_is_known(thing: object) -> None:
    assert adapter_of(thing) is None


class Counting(random.Random):
    """Keeps its base's state: as good as one."""


def test_a_subclass_of_random() -> None:
    generator = Counting(3)
    adapter = held(generator)
    state = adapter.capture()
    first = generator.random()
    adapter.restore(state)
    assert generator.random() == first


@pytest.mark.parametrize(
    ("kind", "field", "value", "says"),
    [
        ("random.Random", "words", torch.zeros(624, dtype=torch.int64), "got int64 of shape (624,)"),
        ("random.Random", "words", torch.full((625,), 2**40), ""),
        ("random.Random", "words", [1, 2], "expected a tensor of int64, got list"),
        ("random.Random", "gauss_next", "1", "gauss_next must be a float or None, got '1'"),
        ("random.Random", "version", 9, "version 9"),
        ("torch.Generator", "state", torch.zeros(16, dtype=torch.uint8), "got uint8 of shape (16,)"),
        ("torch.Generator", "state", torch.zeros(5056), "got float32 of shape (5056,)"),
        ("torch.Generator", "state", torch.full((5056,), 255, dtype=torch.uint8), ""),
        ("torch.Generator", "state", None, "expected a tensor of uint8, got NoneType"),
        ("PCG64", "bits", {}, "state must have the fields bit_generator, state, has_uint32, uinteger"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_state(kind: str, field: str, value: Any, says: str) -> None:
    generator, twin = MAKE[kind](1), MAKE[kind](1)
    adapter = held(generator)
    with pytest.raises((ValueError, TypeError, RuntimeError, OverflowError)) as caught:
        adapter.check({**adapter.capture(), field: value})
    assert says in str(caught.value)
    assert draws(generator) == draws(twin)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("MT19937", ("state", "pos"), "0x271"),  # numpy itself would read beyond its memory
        ("RandomState", ("state", "pos"), "-0x1"),
        ("RandomState", ("has_gauss",), "0x2"),
        ("Philox", ("buffer_pos",), "0x5"),
        ("PCG64", ("state", "state"), hex(2**128)),
        ("PCG64", ("has_uint32",), 1),
        ("PCG64", ("uinteger",), hex(2**32)),
        ("PCG64", ("bit_generator",), "MT19937"),
        ("RandomState", ("gauss",), 1),
    ],
)
def test_numbers_that_numpy_would_believe(kind: str, path: tuple[str, ...], value: Any) -> None:
    generator, twin = MAKE[kind](1), MAKE[kind](1)
    adapter = held(generator)
    state = adapter.capture()
    place = state["bits"]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises((ValueError, OverflowError)):
        adapter.check(state)
    assert draws(generator) == draws(twin)


@pytest.mark.usefixtures("generators_restored")
def test_process_wide_generators_continue() -> None:
    present = process_wide()
    assert list(present) == ["python", "numpy", "torch:cpu"]
    np.random.standard_normal()
    states = through_a_file({name: adapter.capture() for name, adapter in present.items()})
    expected = process_draws()
    for name, adapter in present.items():
        adapter.check(states[name])
        adapter.restore(states[name])
    assert process_draws() == expected


@pytest.mark.usefixtures("generators_restored")
def test_numpys_bit_generator_may_be_another_and_is_put_back_as_an_object() -> None:
    original, own = np.random.get_bit_generator(), np.random.Philox(3)
    try:
        np.random.set_bit_generator(own)
        np.random.standard_normal()
        adapter = process_wide()["numpy"]
        assert adapter.kind == "np.random.RandomState(Philox)"
        state, saved = through_a_file(adapter.capture()), adapter.save()
        expected = float(np.random.standard_normal()), float(np.random.random_sample())
        np.random.set_bit_generator(np.random.MT19937(2))
        with pytest.raises(ValueError, match=r"bit_generator is Philox|must have the fields"):
            adapter.check(state)
        adapter.put_back(saved)
        assert np.random.get_bit_generator() is own
        assert (float(np.random.standard_normal()), float(np.random.random_sample())) == expected
        adapter.restore(state)
        assert (float(np.random.standard_normal()), float(np.random.random_sample())) == expected
    finally:
        np.random.set_bit_generator(original)


def test_an_accelerator_is_not_initialised_by_looking(fake: FakeModule) -> None:
    assert list(process_wide()) == ["python", "numpy", "torch:cpu"]
    assert accelerator.uninitialized_accelerator() == "fake"
    assert not fake.ready
    accelerator.initialize_accelerator("other")
    assert not fake.ready


def test_every_device_of_an_accelerator(fake: FakeModule) -> None:
    accelerator.initialize_accelerator("fake")
    present = process_wide()
    assert list(present)[3:] == ["torch:fake:0", "torch:fake:1"]
    states = {name: present[name].capture() for name in list(present)[3:]}
    expected = [draws(generator) for generator in fake.default_generators]
    assert expected[0] != expected[1]
    for name, state in states.items():
        present[name].check(through_a_file(state))
        present[name].restore(through_a_file(state))
    assert [draws(generator) for generator in fake.default_generators] == expected
    present["torch:fake:1"].start(Key(2))
    started = draws(fake.default_generators[1])
    present["torch:fake:1"].start(Key(2))
    assert draws(fake.default_generators[1]) == started != expected[1]
    with pytest.raises(ValueError, match="expected a tensor of uint8"):
        present["torch:fake:1"].check({"state": torch.zeros(16, dtype=torch.uint8)})
    adapters.rewind_device(present["torch:fake:1"])
    fresh = torch.Generator().manual_seed(fake.default_generators[1].initial_seed())
    assert draws(fake.default_generators[1]) == draws(fresh)


class OneDevice:
    """As `torch.mps`: one device, no list of generators, nothing to initialise."""

    def __init__(self) -> None:
        self.generator = torch.Generator()
        self.manual_seed = self.generator.manual_seed

    def is_available(self) -> bool:
        return True

    def device_count(self) -> int:
        return 1

    def get_rng_state(self, device: int) -> torch.Tensor:
        return self.generator.get_state()

    def set_rng_state(self, state: torch.Tensor, device: int) -> None:
        self.generator.set_state(state)


def test_an_accelerator_without_generator_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    module = OneDevice()
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: SimpleNamespace(type="one"))
    monkeypatch.setattr(torch, "get_device_module", lambda device: module)
    adapter = process_wide()["torch:one:0"]
    assert adapter.identity == process_wide()["torch:one:0"].identity
    adapter.start(Key(1))
    saved, first = adapter.save(), draws(module.generator)
    adapter.start(Key(1))
    assert draws(module.generator) == first
    adapter.put_back(saved)
    assert draws(module.generator) == first


def test_no_device_to_put_back_in_a_forked_child(fake: FakeModule) -> None:
    fake.init()
    adapter = process_wide()["torch:fake:0"]
    saved = adapter.save()
    fake.ready = False  # as torch.cuda answers in a child
    adapter.put_back(saved)
    assert list(process_wide()) == ["python", "numpy", "torch:cpu"]
