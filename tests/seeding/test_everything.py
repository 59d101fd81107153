"""One number sets every generator, and a refused one none."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
import types
from typing import Any

import numpy as np
import pytest
import torch

import samebits
from samebits.seeding import SEED_LIMIT, Key, Seeded, libraries, register_library, seed_everything
from samebits.seeding.everything import plan_seeds

pytestmark = pytest.mark.usefixtures("generators_restored")


def draws() -> tuple[Any, ...]:
    return random.random(), float(np.random.random()), float(torch.rand(()))


def states() -> tuple[Any, ...]:
    return random.getstate(), str(np.random.get_state(legacy=False)), bytes(torch.get_rng_state().numpy())


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**63, 2**64 - 1, 2**64, SEED_LIMIT - 1])
def test_same_seed_same_draws(seed: int) -> None:
    assert int(seed_everything(seed)) == seed
    first = draws()
    assert draws() != first
    seed_everything(seed)
    assert draws() == first


def test_known_answers() -> None:
    """Numbers that an upgrade must not change; see "Changed numbers" in CHANGELOG.md."""
    seed_everything(11)
    key = Key(11, ("process", 0))
    assert draws() == (PYTHON_11, NUMPY_11, TORCH_11)
    assert key.child("python").python().random() == PYTHON_11


def test_every_bit_of_the_seed_reaches_every_generator() -> None:
    """manual_seed(5) and manual_seed(5 + 2**32) are one stream of torch's CPU generator."""
    seen: list[set[Any]] = [set(), set(), set()]
    for seed in (5, 5 + 2**32, 5 + 2**64, 5 + 2**96, 5 << 32, 5 << 64):
        seed_everything(seed)
        for column, value in zip(seen, draws(), strict=True):
            column.add(value)
    assert [len(column) for column in seen] == [6, 6, 6]


def test_ranks_of_neighbouring_seeds_share_nothing() -> None:
    """seed + rank gives rank 1 of seed 42 and rank 0 of seed 43 one stream."""
    seen = set()
    for seed in (41, 42, 43):
        for rank in range(4):
            seed_everything(seed, rank=rank)
            seen |= set(draws())
    assert len(seen) == 3 * 4 * 3


@pytest.mark.parametrize("seed", [True, False, 1.5, "1", b"2", np.float32(3), np.bool_(True)])
def test_refuses_what_is_not_an_int_and_changes_nothing(seed: Any) -> None:
    before = states()
    with pytest.raises(TypeError, match="the seed must be an int, got "):
        seed_everything(seed)
    assert states() == before


@pytest.mark.parametrize("seed", [-1, -5, SEED_LIMIT])
def test_refuses_what_is_out_of_range_and_changes_nothing(seed: int) -> None:
    before = states()
    with pytest.raises(ValueError, match=r"must be in 0 \.\. 2\*\*128 - 1, got "):
        seed_everything(seed)
    assert states() == before


@pytest.mark.parametrize("seed", [np.int64(3), np.uint8(3), torch.tensor(3)])
def test_takes_other_libraries_ints(seed: Any) -> None:
    seed_everything(seed)
    first = draws()
    seed_everything(3)
    assert draws() == first


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"seed": 2**32, "scheme": "offset"}, ValueError, r"below 2\*\*32"),
        ({"seed": 2**32 - 1, "rank": 1, "scheme": "offset"}, ValueError, r"below 2\*\*32"),
        ({"seed": 1, "deterministic": 1}, TypeError, "deterministic must be True or False"),
        ({"seed": 1, "scheme": "adjacent"}, ValueError, "'independent' or 'offset'"),
        ({"seed": 1, "rank": -1}, ValueError, "the rank must be in"),
        ({"seed": 1, "rank": True}, TypeError, "the rank must be an int"),
        ({"seed": 1, "rank": "0"}, TypeError, "the rank must be an int"),
    ],
    ids=range(7),
)
def test_refuses_before_anything_has_changed(arguments: Any, error: type[Exception], text: str) -> None:
    """accelerate's set_seed(2**32) raises after it has reseeded Python's generator."""
    before = states()
    with pytest.raises(error, match=text):
        seed_everything(**arguments)
    assert states() == before


@pytest.mark.parametrize(("rank", "number"), [(0, 777), (1, 778), (15, 792)])
def test_offset_gives_the_guides_numbers(rank: int, number: int) -> None:
    seed_everything(777, rank=rank, scheme="offset")
    seen = draws()
    random.seed(number), np.random.seed(number), torch.manual_seed(number)
    assert seen == draws()
    assert torch.initial_seed() == number


class FakeDevices(types.ModuleType):
    """An accelerator of three devices, as torch.get_device_module would give it."""

    def __init__(self) -> None:
        super().__init__("torch.fake")
        self.states: dict[int, tuple[int, int]] = {}

    def device_count(self) -> int:
        return 3

    def set_rng_state(self, state: torch.Tensor, device: torch.device) -> None:
        self.states[device.index] = struct.unpack("<Qq", bytes(state.numpy()))


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> FakeDevices:
    module = FakeDevices()
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch, "get_device_module", lambda device: module)
    return module


def test_each_device_has_a_stream_of_its_own(devices: FakeDevices) -> None:
    """Guide row G9: two devices seeded alike draw the same numbers."""
    seeded = seed_everything(11)
    seeds = [devices.states[index][0] for index in range(3)]
    assert seeds == [Key(11, ("process", 0, "torch", "cuda", index)).integer(64) for index in range(3)]
    assert len(set(seeds)) == 3
    assert [name for name, _ in seeded.generators][3:6] == ["torch cuda:0", "torch cuda:1", "torch cuda:2"]


def test_offset_gives_every_device_one_number(devices: FakeDevices) -> None:
    """As `torch.cuda.manual_seed_all` does in the guides."""
    seed_everything(11, rank=2, scheme="offset")
    assert devices.states == {0: (13, 0), 1: (13, 0), 2: (13, 0)}


def test_none_draws_a_seed_and_says_how_to_repeat_it(capsys: pytest.CaptureFixture[str]) -> None:
    seeded = seed_everything(None)
    assert seeded.drawn
    first = draws()
    assert f"to repeat: seed_everything({seeded.seed})" in capsys.readouterr().err
    seed_everything(seeded.seed)
    assert draws() == first
    assert seed_everything(None).seed != seeded.seed


def test_none_is_refused_where_each_process_would_draw_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    before = states()
    with pytest.raises(ValueError, match="each of 4 processes would draw another seed"):
        seed_everything(None)
    assert states() == before


def test_a_stale_variable_is_not_a_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning's seed_everything(None) takes what an earlier call left in the environment."""
    monkeypatch.setenv("PL_GLOBAL_SEED", "123")
    assert seed_everything(None).seed != 123


def test_the_rank_comes_from_the_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert seed_everything(5).rank == 3
    there = draws()
    seed_everything(5, rank=3)
    assert draws() == there


def test_says_what_was_seeded() -> None:
    seeded = seed_everything(11)
    assert isinstance(seeded, Seeded)
    assert "seed 11, rank 0 (alone), independent" in str(seeded)
    assert "torch cpu  Key(11, ('process', 0, 'torch', 'cpu'))" in str(seeded)
    assert seeded.to_json()["seed"] == "11"
    assert range(20)[seeded] == 11


def test_a_generator_exchanged_under_numpy_is_seeded_too() -> None:
    own = np.random.get_bit_generator()
    np.random.set_bit_generator(np.random.PCG64(1))
    try:
        seed_everything(4)
        first = np.random.random(), np.random.randn()  # which leaves a spare normal number
        seed_everything(4)
        assert (np.random.random(), np.random.randn()) == first
        before = states()
        with pytest.raises(ValueError, match="scheme='offset' needs numpy's own MT19937"):
            seed_everything(4, scheme="offset")
        assert states() == before
    finally:
        np.random.set_bit_generator(own)


def test_spare_normal_numbers_are_forgotten() -> None:
    seed_everything(4)
    expected = random.gauss(0, 1), np.random.randn(), torch.randn(1).item()
    random.gauss(0, 1), np.random.randn(), torch.randn(1)
    random.gauss(0, 1)
    seed_everything(4)
    assert (random.gauss(0, 1), np.random.randn(), torch.randn(1).item()) == expected


def test_a_library_that_registers_itself_is_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "_seeders", dict(libraries._seeders))
    library = types.ModuleType("dice")
    library.seed = None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dice", library)
    register_library("dice", lambda module, key: setattr(module, "seed", key.integer(16)))
    seeded = seed_everything(3)
    assert ("dice", "Key(3, ('process', 0, 'library', 'dice'))") in seeded.generators
    assert library.seed == Key(3, ("process", 0, "library", "dice")).integer(16)  # type: ignore[attr-defined]


def test_seeds_one_library_after_another_as_a_launcher_does() -> None:
    seed_everything(9)
    expected = draws()
    plan = plan_seeds(9)
    plan.torch(), plan.python(), plan.numpy()
    assert draws() == expected


def test_public() -> None:
    assert samebits.seed_everything is seed_everything


def test_works_without_numpy_and_torch() -> None:
    program = (
        "import sys; sys.modules['torch'] = sys.modules['numpy'] = None\n"
        "import random; from samebits.seeding import seed_everything\n"
        "seed_everything(11); print(random.random())"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{PYTHON_11}\n"


PYTHON_11 = 0.4677590492471211
NUMPY_11 = 0.7303549852762536
TORCH_11 = 0.9649873375892639


DETERMINISTIC = """
import warnings
import torch, samebits
from samebits.determinism.mode import deterministic
torch.backends.cudnn.benchmark = True
try:
    samebits.seed_everything(1.5, deterministic=True)
except TypeError:
    assert not torch.are_deterministic_algorithms_enabled()
for _ in range(3):
    samebits.seed_everything(11, deterministic=True)
cudnn = torch.backends.cudnn
print(cudnn.deterministic, cudnn.benchmark, cudnn.enabled, torch.are_deterministic_algorithms_enabled())
print(len(deterministic.stays.open))
drawn = torch.rand(3)
samebits.seed_everything(11)
assert torch.equal(torch.rand(3), drawn)
assert torch.are_deterministic_algorithms_enabled()
torch.use_deterministic_algorithms(False)
cudnn.benchmark = True
samebits.seed_everything(11, deterministic=True)
assert torch.are_deterministic_algorithms_enabled() and not cudnn.benchmark
deterministic.stays.open[0].restore()
print(torch.are_deterministic_algorithms_enabled(), cudnn.benchmark)
samebits.seed_everything(11, deterministic=True)
print(torch.are_deterministic_algorithms_enabled())
"""


@pytest.mark.slow
def test_one_call_for_the_seed_and_for_deterministic_operations() -> None:
    """What the guides' seed_everything does: cuDNN's flags, too; once, however often it is called."""
    done = subprocess.run(
        [sys.executable, "-c", DETERMINISTIC],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "0"},
    )
    assert done.stdout.splitlines() == ["True False True True", "1", "False True", "True"]
