"""Sets every process-wide generator from one number.

Parse, plan, apply: the number, the rank and the scheme are checked, and every
library loaded, before the first generator changes; a refused call leaves all of
them as they were.

Two schemes. *independent*: each rank, each generator and each device has a
stream of its own, derived from all 128 bits of the seed (`samebits.seeding.derive`);
no two seeds share one.  *offset*: the number that published guides use,
``seed + rank``, for python, numpy, torch and every device alike, for who must match
an old run.

A device's operations are as reproducible as its random numbers only if they are
deterministic, so one call may ask for both (``deterministic=True``).
"""

from __future__ import annotations

import random
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from samebits.errors import UsageError, UsageTypeError
from samebits.seeding.derive import SEED_LIMIT, Key, checked_seed
from samebits.seeding.hash_seed import fixed_hash_seed, warn_if_random
from samebits.seeding.libraries import seed_libraries
from samebits.seeding.ranks import checked_rank, known_rank, place
from samebits.seeding.remembered import remember

if TYPE_CHECKING:
    import torch

    from samebits.determinism.mode import deterministic as deterministic_mode

Scheme = Literal["independent", "offset"]

#: Bits of a seed that was drawn: short enough to be typed again.
_DRAWN_BITS: Final = 32
_OFFSET_LIMIT: Final = 2**32  # np.random.seed takes no more


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was seeded, and with what.  `int()` gives the seed, `str()` a table for a person."""

    seed: int
    rank: int
    scheme: Scheme
    source: str  # who said the rank: "given", "torch.distributed", a launcher's variable, or "alone"
    drawn: bool  # the operating system chose the seed
    generators: tuple[tuple[str, str], ...]  # ("torch cuda:1", "Key(11, ('process', 0, 'cuda', 1))")
    hash_seed: int | None  # what fixed the hash secret; None: it is random

    def __int__(self) -> int:
        return self.seed

    def __index__(self) -> int:
        return self.seed

    def __str__(self) -> str:
        width = max((len(name) for name, _ in self.generators), default=0)
        secret = "random" if self.hash_seed is None else f"fixed by PYTHONHASHSEED={self.hash_seed}"
        drawn = " (drawn)" if self.drawn else ""
        head = f"seed {self.seed}{drawn}, rank {self.rank} ({self.source}), {self.scheme}"
        rows = [f"  {name:{width}}  {source}" for name, source in self.generators]
        return "\n".join([head, *rows, f"  {'hash secret':{width}}  {secret}"])

    def to_json(self) -> dict[str, Any]:
        """Plain data; the seed is a string of digits, since it may have 128 bits."""
        return {
            "seed": str(self.seed),
            "rank": self.rank,
            "source": self.source,
            "scheme": self.scheme,
            "drawn": self.drawn,
            "generators": dict(self.generators),
            "hash_seed": self.hash_seed,
        }


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """A checked seed, rank and scheme; each method seeds one library, which must be importable.

    They are separate for a launcher, which seeds each library when the program loads it.  Each
    returns rows of `Seeded.generators`.
    """

    seed: int
    rank: int
    scheme: Scheme

    @property
    def key(self) -> Key:
        """The root of this process's streams."""
        return Key(self.seed, ("process", self.rank))

    @property
    def number(self) -> int:
        """The number of the offset scheme: 0 .. 2**32 - 1."""
        return self.seed + self.rank

    def python(self) -> list[tuple[str, str]]:
        """Python's `random`."""
        if self.scheme == "offset":
            random.seed(self.number)
            return [("python", str(self.number))]
        key = self.key.child("python")
        key.set_python(random._inst)
        return [("python", repr(key))]

    def numpy(self) -> list[tuple[str, str]]:
        """numpy's `np.random`, whichever bit generator is behind it."""
        numpy_random = import_module("numpy.random")
        if self.scheme == "offset":
            numpy_random.seed(self.number)
            return [("numpy", str(self.number))]
        key = self.key.child("numpy")
        _start(numpy_random.mtrand._rand, key)
        return [("numpy", repr(key))]

    def torch(self, *, devices: bool = True) -> list[tuple[str, str]]:
        """torch's generators: the CPU's, and every accelerator's, now or when it is initialised.

        ``devices=False``: the CPU's alone.  A forked child cannot use the devices of its parent.
        """
        import torch

        if self.scheme == "offset":
            torch.manual_seed(self.number)
            rows = [("torch cpu", str(self.number))]
        else:
            key = self.key.child("torch", "cpu")
            _start(torch.default_generator, key)
            rows = [("torch cpu", repr(key))]
        for device, seed_device in _devices(torch) if devices else []:
            if self.scheme == "offset":
                seed_device(self.number)
                rows.append((f"torch {device}", str(self.number)))
            else:
                key = self.key.child("torch", device.type, device.index)
                seed_device(key.integer(64))
                rows.append((f"torch {device}", repr(key)))
        return rows

    def libraries(self) -> list[tuple[str, str]]:
        """Loaded libraries with generators of their own (`samebits.seeding.libraries`)."""
        key = self.key.child("library")
        return [(name, repr(key.child(name))) for name in seed_libraries(key)]


def plan_seeds(seed: int, rank: int | None = None, scheme: Scheme = "independent") -> SeedPlan:
    """Check what was asked for; nothing changes.

    Raises:
        TypeError, ValueError: as `seed_everything`.
    """
    number = checked_seed(seed, "seed_everything")
    if scheme not in get_args(Scheme):
        raise UsageError(f"seed_everything: the scheme must be 'independent' or 'offset', got {scheme!r}")
    plan = SeedPlan(number, checked_rank(rank, "seed_everything"), scheme)
    if scheme == "offset":
        if plan.number >= _OFFSET_LIMIT:
            raise UsageError(
                "seed_everything: with scheme='offset' seed + rank must be below 2**32, which is all that "
                f"np.random.seed takes; got {plan.number}"
            )
        numpy_random = sys.modules.get("numpy.random")
        if numpy_random is not None and type(numpy_random.get_bit_generator()).__name__ != "MT19937":
            raise UsageError(
                "seed_everything: scheme='offset' needs numpy's own MT19937 behind np.random, and this "
                "program exchanged it with np.random.set_bit_generator; use scheme='independent'"
            )
    return plan


def seed_everything(
    seed: int | None, *, rank: int | None = None, scheme: Scheme = "independent", deterministic: bool = False
) -> Seeded:
    """Seed Python's, numpy's and torch's process-wide generators, torch's on every device.

    Also those of loaded libraries that keep one of their own (OpenCV, numba, imgaug, ...).  Accelerators
    that are not initialised yet are seeded when they are, and none is initialised for it.  numpy and torch
    are skipped where they are not installed.

    With several ranks call it after `torch.distributed.init_process_group`, or start them with a launcher
    that sets its variables (torchrun, srun, mpirun), or pass `rank`: it cannot know the rank otherwise, and
    warns (`RankWarning`) in a child that multiprocessing started.

    A child that is forked has numpy's and torch's streams as they are, and CPython seeds `random` anew in it,
    from the system: call this in the child with a rank of its own, or start all with `samebits run`.

    Warns once (`HashSeedWarning`) if the interpreter's hash secret is random: no call can change that.

    Args:
        seed: 0 .. 2**128 - 1, all bits of which count.  None draws one from the operating system and prints
            it on stderr with the call that repeats it.
        rank: this process's; None takes torch.distributed's, else the launcher's variable (torchrun, MPI,
            SLURM), else 0.
        scheme: "independent", or "offset" for the number of published guides: ``seed + rank``, the same for
            every generator and device.
        deterministic: also make every operation deterministic from here on, as `samebits.deterministic()`
            does: torch's algorithms, cuDNN's (autotuning off), and a replacement where torch has none.

    Returns:
        What was seeded, and with what; print it, or keep its `to_json()` with the results.

    Raises:
        TypeError: `seed` or `rank` is not an int (a bool or a float is refused, not rounded), or
            `deterministic` is no bool.
        ValueError: out of range, an unknown scheme, a launcher's variable that is no number, or no seed given
            where several processes would each draw another.
        DeterminismError: `deterministic`, and it is too late for it (CUDA has started).
    """
    if not isinstance(deterministic, bool):
        raise UsageTypeError(f"seed_everything: deterministic must be True or False, got {deterministic!r}")
    drawn = seed is None
    if seed is None:
        count = place().world_size
        if count > 1:
            raise UsageError(
                f"seed_everything: each of {count} processes would draw another seed; give all of them one"
            )
        seed = random.SystemRandom().getrandbits(_DRAWN_BITS)
    plan = plan_seeds(seed, rank, scheme)
    known_rank(rank, "seed_everything")
    if plan.rank == 0:
        warn_if_random(plan.seed)
    if deterministic and _installed("torch") is not None:
        _make_deterministic()
    source = place().source if rank is None else "given"
    seeded = seed_all(plan, source, drawn=drawn)
    if drawn:
        print(
            f"samebits: no seed was given, so {plan.seed} was drawn; to repeat: seed_everything({plan.seed})",
            file=sys.stderr,
        )
    return seeded


def seed_all(plan: SeedPlan, source: str, *, drawn: bool = False) -> Seeded:
    """Seed everything that is installed or loaded as a plan says, which was checked."""
    parts: list[Callable[[], list[tuple[str, str]]]] = [plan.python]
    parts += [getattr(plan, name) for name in ("numpy", "torch") if _installed(name) is not None]
    rows = [row for part in [*parts, plan.libraries] for row in part()]
    remember(plan.seed)
    return Seeded(plan.seed, plan.rank, plan.scheme, source, drawn, tuple(rows), fixed_hash_seed())


#: What `seed_everything(deterministic=True)` has begun: one, however often it is called.
_mode: deterministic_mode | None = None


def _make_deterministic() -> None:
    global _mode
    from samebits.determinism.mode import deterministic

    with deterministic.stays.lock:
        if _mode is not None:
            _mode.restore()  # begun anew, for the program may have moved a switch since
        _mode = deterministic()


def _start(generator: object, key: Key) -> None:
    from samebits.seeding.adapters import adapter_of

    adapter = adapter_of(generator)
    assert adapter is not None
    adapter.start(key)


def _devices(torch: ModuleType) -> list[tuple[torch.device, Callable[[int], None]]]:
    """Every device of the accelerator that is present, and what seeds it; initialises none."""
    accelerator = torch.accelerator.current_accelerator()
    if accelerator is None:
        return []
    module = torch.get_device_module(accelerator)
    devices = [torch.device(accelerator.type, index) for index in range(module.device_count())]
    if accelerator.type in ("cuda", "xpu"):
        # Applied when the device is initialised, if it is not yet: torch/cuda/random.py.
        return [(device, _philox_seeder(torch, module, device)) for device in devices]
    return [(device, module.manual_seed) for device in devices[:1]]


def _philox_seeder(torch: ModuleType, module: ModuleType, device: torch.device) -> Callable[[int], None]:
    def seed_device(seed: int) -> None:
        # The seed and the offset: CUDAGeneratorImpl::get_state in aten/src/ATen/cuda/CUDAGeneratorImpl.cpp.
        state = torch.frombuffer(bytearray(struct.pack("<Qq", seed, 0)), dtype=torch.uint8)
        module.set_rng_state(state, device)

    return seed_device


def _installed(name: str) -> ModuleType | None:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


__all__ = ["SEED_LIMIT", "Scheme", "SeedPlan", "Seeded", "plan_seeds", "seed_everything"]
