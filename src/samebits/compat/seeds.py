"""The guides' seeding functions, with the guides' own numbers.

Each seeds as its original does, so that a run done by hand is repeated: one number for every generator and
device, and no rank but what the caller adds (``seed_everything(args.seed + get_rank())``).  Where a guide's
function is wrong, its docstring here says what was put right.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from samebits._runtime.warn import warn
from samebits.data.workers import OffsetWorker, seed_process
from samebits.errors import UsageError, UsageTypeError
from samebits.seeding.derive import checked_seed
from samebits.seeding.everything import Seeded, SeedPlan, plan_seeds, seed_all
from samebits.seeding.hash_seed import warn_if_random
from samebits.seeding.ranks import checked_rank


class SharedStreamWarning(UserWarning):
    """All workers of a rank were given the same random numbers, as was asked for."""


def seed_everything(seed: int = 11) -> Seeded:
    """Python, numpy, torch on every device; cuDNN deterministic, its benchmark off.

    Args:
        seed: 0 .. 2**32 - 1.

    Raises:
        TypeError, ValueError: not such a number; nothing has changed then.
    """
    return _seeded(seed, "seed_everything", deterministic=True, benchmark=False)


def seed_reproducer(seed: int = 2333) -> Seeded:
    """As `seed_everything`, with cuDNN on and PYTHONHASHSEED set.

    The variable reaches programs that are started from here only: this interpreter's hash secret was fixed
    when it started, and a `HashSeedWarning` says so if it is random.  `samebits.ensure_hash_seed(2333)`,
    first in the program, starts it again with the variable set, so that it and its children have one secret.
    """
    seeded = _seeded(seed, "seed_reproducer", says=True, enabled=True, deterministic=True, benchmark=False)
    os.environ["PYTHONHASHSEED"] = str(seeded.seed)
    return seeded


def setup_seed(seed: int = 202003) -> Seeded:
    """As `seed_everything`, with cuDNN off and PYTHONHASHSEED set: the strictest, the slowest.

    cuDNN's deterministic algorithms are deterministic; switching it off is kept for old numbers alone.
    PYTHONHASHSEED is as in `seed_reproducer`.
    """
    seeded = _seeded(seed, "setup_seed", says=True, enabled=False, deterministic=True, benchmark=False)
    os.environ["PYTHONHASHSEED"] = str(seeded.seed)
    return seeded


def is_dist_avail_and_initialized() -> bool:
    """Whether torch.distributed is available, and its process group is initialised."""
    distributed = sys.modules.get("torch.distributed")
    return distributed is not None and distributed.is_available() and distributed.is_initialized()


def get_rank() -> int:
    """torch.distributed's rank; 0 where it is unavailable or not initialised."""
    if not is_dist_avail_and_initialized():
        return 0
    rank: int = sys.modules["torch.distributed"].get_rank()
    return rank


def seed_worker(worker_id: int) -> None:
    """For ``DataLoader(worker_init_fn=seed_worker, generator=g)``: python and numpy from torch's seed.

    As in PyTorch's notes on reproducibility: `torch.initial_seed() % 2**32`, which differs by worker, and
    by epoch, since the DataLoader draws a new base seed from its generator for each.
    """
    import torch

    seed_process(SeedPlan(torch.initial_seed() % 2**32, 0, "offset"), libraries=None, torch=False)


def _init_fn(worker_id: int | None = None) -> Callable[[int], None] | None:
    """For ``DataLoader(worker_init_fn=_init_fn)``: python and numpy from torch's seed, as `seed_worker`.

    The guide's takes no argument, so a DataLoader cannot call it, and it seeds numpy with 0 in every worker:
    all would draw alike.  Here each worker draws its own.  Called in a worker it seeds that, with and without
    an argument; called elsewhere without one it gives `seed_worker`, for ``worker_init_fn=_init_fn()``.
    """
    from torch.utils.data import get_worker_info

    info = get_worker_info()
    if worker_id is None and info is None:
        return seed_worker
    seed_worker(info.id if worker_id is None and info is not None else worker_id or 0)
    return None


def worker_init_fn(worker_id: int, rank: int, seed: int, *, per_worker: bool = True) -> None:
    """For ``DataLoader(worker_init_fn=partial(worker_init_fn, rank=rank, seed=seed))``.

    The guides' formula, ``rank + seed``, leaves `worker_id` out, so all workers of a rank draw alike;
    adding it would make worker 1 of rank 0 and worker 0 of rank 1 one.  Here the number is
    ``seed + 1000 * rank + 1 + worker_id``: 777 gives 778 and 779, and 1778 and 1779 on rank 1.  Workers
    that are started anew for each epoch (without ``persistent_workers=True``) draw alike in all of them,
    as in the guides; `samebits.data.loader_kwargs` has other numbers for each epoch.

    Args:
        worker_id: the DataLoader's number of the worker, 0 .. 998.
        rank: of the process.
        seed: of the program.
        per_worker: False gives the guides' own ``rank + seed``, to repeat an old run, and warns.

    Raises:
        TypeError, ValueError: not ints, or `worker_id` above 998, from which on ranks would share numbers.
    """
    worker = _checked_worker(worker_id)
    rank = checked_rank(rank, "worker_init_fn")
    number = checked_seed(seed, "worker_init_fn", limit=2**32, why="which is all that np.random.seed takes")
    if not isinstance(per_worker, bool):
        raise UsageTypeError(f"worker_init_fn: per_worker must be True or False, got {per_worker!r}")
    if per_worker:
        OffsetWorker.of(number, rank, "worker_init_fn")(worker)
    else:
        plan = plan_seeds(number, rank, "offset")
        seed_process(plan, libraries=plan.key.child("library"))
        if worker == 0:  # one for all of them
            warn(
                "worker_init_fn: with per_worker=False every worker is seeded with rank + seed = "
                f"{plan.number}, so all workers of rank {rank} draw the same random numbers.",
                SharedStreamWarning,
            )


def _checked_worker(worker_id: int) -> int:
    if isinstance(worker_id, bool) or not hasattr(worker_id, "__index__"):
        raise UsageTypeError(
            f"worker_init_fn: the worker must be an int, got {worker_id!r} ({type(worker_id).__name__})"
        )
    worker = worker_id.__index__()
    if worker < 0:
        raise UsageError(f"worker_init_fn: the worker must be at least 0, got {worker}")
    return worker


def _seeded(seed: int, caller: str, *, says: bool = False, **switches: bool) -> Seeded:
    """Set cuDNN's switches, which torch may refuse, and then seed; the seed was checked before.

    `says`: the guide means to fix the hash secret here, so say it if this is too late.
    """
    import torch

    number = checked_seed(seed, caller, limit=2**32, why="which is all that np.random.seed takes")
    plan = plan_seeds(number, 0, "offset")
    if says:
        warn_if_random(number)
    for name, value in switches.items():
        setattr(torch.backends.cudnn, name, value)
    return seed_all(plan, "given")
