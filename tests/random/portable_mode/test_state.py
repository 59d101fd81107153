"""The stream's table in a CPU generator's state: what torch does to the state happens to the stream."""

from __future__ import annotations

import copy
import pickle
import sys
import threading

import pytest
import torch

from samebits.errors import StateError
from samebits.random.keys import derived, fold_in, key
from samebits.random.portable_mode import state

SEEDS = [0, 1, 2**32 + 5, 2**63 + 7, 2**64 - 1, -3]


@pytest.fixture(autouse=True)
def _restored(generators_restored: None) -> None:
    """Seeds and draws."""


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draws(generator: torch.Generator | None, count: int, path: str = "") -> list[tuple[int, int]]:
    """The keys of draws."""
    taken = [state.advance(generator, path) for _ in range(count)]
    return [derived(*stream, number) for stream, number in taken]


def expected(seed: int, *path: int | str) -> tuple[int, int]:
    made = key(seed % 2**64)  # as torch.Generator holds a negative one
    for data in path:
        made = fold_in(made, data)
    first, second = made.tolist()
    return first, second


class TestKeys:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_of_a_seed(self, seed: int) -> None:
        assert draws(seeded(seed), 3) == [expected(seed, n) for n in range(3)]

    def test_of_a_generator_that_nobody_seeded(self) -> None:
        generator = torch.Generator()
        assert draws(generator, 1) == [expected(generator.initial_seed(), 0)]

    def test_of_scopes(self) -> None:
        torch.default_generator.manual_seed(5)
        inner = draws(None, 2, "a/b")
        outside = draws(None, 1)
        inner += draws(None, 1, "a/b")
        assert inner == [expected(5, "a/b", n) for n in range(3)]
        assert outside == [expected(5, 0)]
        assert draws(None, 1, "a") == [expected(5, "a", 0)]

    def test_a_generator_that_was_passed_has_no_scopes(self) -> None:
        assert draws(seeded(5), 2, "a") == [expected(5, 0), expected(5, 1)]

    def test_numbers_of_more_than_32_bits(self) -> None:
        torch.default_generator.manual_seed(5)
        far = 2**32 - 1
        state.put_back(torch.tensor([*state.saved()[:3].tolist(), far]))
        assert draws(None, 2) == [expected(5, far), expected(5, far + 1)]
        assert state.saved().tolist()[1:] == [5, 0, far + 2]


class TestTorchsOwn:
    """What torch can do with a generator."""

    def test_seeding_begins_anew(self) -> None:
        generator = seeded(1)
        draws(generator, 5)
        assert draws(generator.manual_seed(1), 1) == draws(seeded(1), 1)

    def test_states_rewind(self) -> None:
        generator = seeded(1)
        draws(generator, 2)
        saved = generator.get_state()
        first = draws(generator, 3)
        generator.set_state(saved)
        assert draws(generator, 3) == first

    def test_fork_rng(self) -> None:
        torch.default_generator.manual_seed(3)
        draws(None, 1, "a")
        with torch.random.fork_rng(devices=[]):
            inside = draws(None, 1, "a") + draws(None, 1)
        assert draws(None, 1, "a") + draws(None, 1) == inside

    @pytest.mark.parametrize(
        "copied",
        [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one)), lambda one: one.clone_state()],
        ids=["deepcopy", "pickle", "clone_state"],
    )
    def test_copies_go_on(self, copied: object) -> None:
        assert callable(copied)
        generator = seeded(3)
        draws(generator, 2)
        other = copied(generator)
        assert draws(other, 2) == draws(generator, 2) == [expected(3, 2), expected(3, 3)]

    def test_the_seed_stays(self) -> None:
        generator = seeded(2**63 + 7)
        draws(generator, 2)
        assert generator.initial_seed() == 2**63 + 7

    def test_torch_can_draw_from_it(self) -> None:
        """Uniform, not constant: the words behind the table are a seeded twister's."""
        generator = seeded(0)
        draws(generator, 2)
        numbers = torch.rand(10_000, generator=generator, dtype=torch.float64)
        assert numbers.unique().numel() > 9_990
        assert abs(numbers.mean().item() - 0.5) < 0.02

    def test_a_draw_of_torchs_in_between(self) -> None:
        """Another stream then, the same each time, that depends on where it happened."""

        def after(before: int) -> list[tuple[int, int]]:
            generator = seeded(0)
            draws(generator, before)
            torch.rand(3, generator=generator)
            return draws(generator, 2)

        assert after(2) == after(2)
        seen = {*after(0), *after(1), *after(2), *draws(seeded(0), 4)}
        assert len(seen) == 10

    def test_a_normal_number_that_torch_kept(self) -> None:
        """torch keeps the second of a pair in the same state."""
        generator = seeded(0)
        torch.empty(1).normal_(generator=generator)
        first = draws(generator, 1)
        assert draws(generator, 1) != first
        torch.empty(5).normal_(generator=generator)


class Cuda:
    """A stand-in for a CUDA generator, which has a seed and an offset."""

    device = torch.device("cuda")

    def __init__(self, seed: int) -> None:
        self.seed, self.offset = seed, 0

    def initial_seed(self) -> int:
        return self.seed

    def get_offset(self) -> int:
        return self.offset

    def set_offset(self, offset: int) -> None:
        assert offset % 4 == 0  # torch refuses another
        self.offset = offset


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cuda_generator_gives_a_cpu_generators_keys(seed: int) -> None:
    generator = Cuda(seed)
    assert draws(generator, 3, "a") == draws(seeded(seed), 3)  # type: ignore[arg-type]
    assert generator.offset == 12
    generator.set_offset(4)
    assert draws(generator, 1) == [expected(seed, 1)]  # type: ignore[arg-type]


class TestSaved:
    def test_small(self) -> None:
        torch.default_generator.manual_seed(3)
        assert state.saved().shape == (4,)
        draws(None, 1, "a"), draws(None, 2, "b")
        saved = state.saved()
        assert saved.shape == (8,)
        assert saved.dtype == torch.int64

    def test_put_back(self) -> None:
        torch.default_generator.manual_seed(3)
        draws(None, 1, "a"), draws(None, 2, "b"), draws(None, 3)
        saved = pickle.loads(pickle.dumps(state.saved()))
        first = [draws(None, 1, path) for path in ("a", "b", "", "c")]
        torch.default_generator.manual_seed(99)
        torch.rand(3)
        state.put_back(saved)
        assert [draws(None, 1, path) for path in ("a", "b", "", "c")] == first
        assert first == [
            [expected(3, "a", 1)],
            [expected(3, "b", 2)],
            [expected(3, 3)],
            [expected(3, "c", 0)],
        ]

    def test_where_torch_drew(self) -> None:
        torch.default_generator.manual_seed(3)
        torch.rand(3)
        saved = state.saved()
        first = draws(None, 1)
        state.put_back(saved)
        assert draws(None, 1) == first

    @pytest.mark.parametrize(
        "wrong",
        [
            torch.zeros(4, dtype=torch.int64),
            torch.zeros(0, dtype=torch.int64),
            torch.tensor(3),
            torch.zeros(2, 2, dtype=torch.int64),
        ],
    )
    def test_a_foreign_tensor(self, wrong: torch.Tensor) -> None:
        with pytest.raises(StateError, match=r"is not what samebits\.random\.get_state gave"):
            state.put_back(wrong)

    def test_an_incomplete_one(self) -> None:
        whole = state.saved()
        for wrong in (whole[:-1], torch.cat((whole, whole[:1]))):
            with pytest.raises(StateError, match="another version"):
                state.put_back(wrong)

    @pytest.mark.parametrize("wrong", [3, None, torch.zeros(5056, dtype=torch.uint8)])
    def test_the_wrong_kind(self, wrong: object) -> None:
        with pytest.raises(TypeError, match="expected the int64 tensor"):
            state.put_back(wrong)  # type: ignore[arg-type]


def test_as_many_scopes_as_have_room() -> None:
    torch.default_generator.manual_seed(3)
    for number in range(state.ROOM):
        assert draws(None, 1, f"scope {number}") == [expected(3, f"scope {number}", 0)]
    before = torch.default_generator.get_state()
    with pytest.raises(StateError, match=f"room for {state.ROOM} scopes"):
        draws(None, 1, "one more")
    assert torch.equal(torch.default_generator.get_state(), before)
    assert draws(None, 1, "scope 7") == [expected(3, "scope 7", 1)]
    assert draws(None, 1) == [expected(3, 0)]
    last = f"scope {state.ROOM - 1}"
    state.put_back(state.saved())
    assert draws(None, 1, last) == [expected(3, last, 1)]


def test_threads_take_every_draw_once() -> None:
    generator = seeded(0)
    taken: list[tuple[int, int]] = []

    def work() -> None:
        taken.extend(draws(generator, 500))

    threads = [threading.Thread(target=work) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert sorted(taken) == sorted(draws(seeded(0), 2000))
