"""How the workers of a DataLoader are seeded: the generator of the loader, and what each worker does first.

No other file seeds the process-wide generators of workers (`control.worker_streams` starts the objects that
they got copies of).  Four numbers are asked for, and each has a worker_init_fn that derives it:

- `SeedWorker`: streams of samebits' own, for `loader_kwargs` and `SeededLoader`;
- `OffsetWorker`: the guides' numbers, for `loader_kwargs(scheme="offset")` and `compat.worker_init_fn`;
- `compat.seed_worker`: the number that torch seeded the worker with;
- `control.loaders.seed_worker`: a number of `samebits run`, by the process key.

The last three set the generators one by one from a `SeedPlan` (`seed_process`); the first sets all of them
from one digest.

A `SeedWorker`'s streams are keyed by (seed, rank, base seed, worker).  The base seed is what the DataLoader
draws from its generator at the start of each epoch (`_BaseDataLoaderIter` in torch/utils/data/dataloader.py),
so ranks, workers and epochs all differ, and a second run repeats them.

What this cannot do, and `SampleSeeded` does: make the result independent of the number of workers.  With
``num_workers=0`` there is no worker to seed, and samples draw from the training stream; with
``persistent_workers=True`` the workers are seeded once, and their streams go on from epoch to epoch.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from samebits.errors import UsageError
from samebits.seeding.derive import Key, checked_seed
from samebits.seeding.ranks import checked_rank

if TYPE_CHECKING:
    from torch import Generator

    from samebits.seeding.everything import SeedPlan

Scheme = Literal["independent", "offset"]

#: Numbers of a rank in scheme "offset": its own, and those of its workers.
RANK_STRIDE: Final = 1000


def loader_kwargs(seed: int, *, rank: int | None = None, scheme: Scheme = "independent") -> dict[str, Any]:
    """``DataLoader(dataset, ..., **loader_kwargs(seed))``: a generator, and a worker_init_fn.

    The workers' python, numpy and torch are seeded, the generator objects that the dataset and the program's
    modules hold, and loaded libraries with generators of their own.

    Args:
        seed: 0 .. 2**128 - 1.
        rank: this process's; None asks torch.distributed, then the launchers' variables.
        scheme: "offset" gives the guides' numbers for who must match an old run, as `compat.worker_init_fn`:
            worker w is seeded with ``seed + 1000 * rank + 1 + w``, where `seed` has no rank in it (777: 778
            and 779; rank 1: 1778 and 1779).  There is no generator then, as in the guides.  Workers that are
            started anew for each epoch draw alike in all of them.

    Returns:
        ``{"generator": torch.Generator, "worker_init_fn": callable}``; the latter can be pickled, so it works
        with fork, spawn and forkserver.

    Raises:
        TypeError, ValueError: an argument that cannot be meant; for "offset" also numbers of 2**32 or more,
            which `np.random.seed` does not take.  Its thousandth worker, whose number would be the next
            rank's, raises ValueError.
    """
    seed = checked_seed(seed, "loader_kwargs")
    rank = checked_rank(rank, "loader_kwargs")
    if scheme not in get_args(Scheme):
        raise UsageError(f"loader_kwargs: the scheme must be 'independent' or 'offset', got {scheme!r}")
    if scheme == "independent":
        return {"generator": loader_generator(seed, rank), "worker_init_fn": SeedWorker(seed, rank)}
    return {"worker_init_fn": OffsetWorker.of(seed, rank, "loader_kwargs")}


def loader_generator(seed: int, rank: int, epoch: int | None = None) -> Generator:
    """The generator of a rank's DataLoader, at its start or at the start of an epoch."""
    key = Key(seed, ("loader", rank))
    return (key if epoch is None else key.child(epoch)).torch()


@dataclass(frozen=True, slots=True)
class SeedWorker:
    """A worker_init_fn: gives the worker streams of its own, whatever its rank, epoch and number."""

    seed: int
    rank: int

    def __call__(self, worker_id: int) -> None:
        from torch.utils.data import get_worker_info

        from samebits.data.sample_streams import find
        from samebits.data.samples import SampleSeeded
        from samebits.seeding.libraries import seed_libraries
        from samebits.seeding.mt19937 import ProcessStreams

        info = get_worker_info()
        base_seed = 0 if info is None else info.seed - worker_id  # None: somebody tries it out by hand
        key = Key(self.seed, ("worker", self.rank, base_seed, worker_id))
        ProcessStreams().set(key.digest())
        seed_libraries(key.child("library"))
        if info is not None and not isinstance(info.dataset, SampleSeeded):  # which does so for each sample
            for held in find({"dataset": info.dataset}):
                held.adapter.start(key.child("held", held.name))


@dataclass(frozen=True, slots=True)
class OffsetWorker:
    """A worker_init_fn of scheme "offset": python, numpy and torch all get ``first + worker_id``."""

    first: int

    @classmethod
    def of(cls, seed: int, rank: int, caller: str) -> OffsetWorker:
        """The workers of a rank.

        Raises:
            ValueError: numbers that `np.random.seed` does not take.
        """
        first = seed + RANK_STRIDE * rank + 1
        if first + RANK_STRIDE > 2**32:
            raise UsageError(
                f"{caller}: the guides' numbers, seed + {RANK_STRIDE} * rank and those of the workers after "
                "it, must be below 2**32, which is all that np.random.seed takes; got seed "
                f"{seed}, rank {rank}"
            )
        return cls(first)

    def __call__(self, worker_id: int) -> None:
        from samebits.seeding.everything import SeedPlan

        if worker_id >= RANK_STRIDE - 1:
            raise UsageError(
                f"with {RANK_STRIDE} numbers a rank, a worker's must be below {RANK_STRIDE - 1}, got "
                f"{worker_id}; loader_kwargs(seed) without scheme='offset' has no such limit"
            )
        plan = SeedPlan(self.first + worker_id, 0, "offset")
        seed_process(plan, libraries=Key(plan.number, ("library",)))


def seed_process(
    plan: SeedPlan,
    *,
    libraries: Key | None,
    torch: bool = True,
    devices: bool = True,
    loaded: bool = False,
) -> None:
    """Seed the process-wide generators of a worker, or of another child, from a plan.

    Args:
        plan: the numbers of python, numpy and torch.
        libraries: the key of loaded libraries with generators of their own; None leaves them as they are.
        torch: False leaves torch's as it is, for a number that was taken from it.
        devices: False leaves those of devices as they are, which a forked child cannot use.
        loaded: True leaves out numpy and torch where they are not loaded yet.
    """
    from samebits.seeding.libraries import seed_libraries

    plan.python()
    if "numpy.random" in sys.modules or not (loaded or find_spec("numpy") is None):
        plan.numpy()
    if torch and (not loaded or hasattr(sys.modules.get("torch"), "default_generator")):
        plan.torch(devices=devices)
    if libraries is not None:
        seed_libraries(libraries)
