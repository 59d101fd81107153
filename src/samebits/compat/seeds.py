"""The guides' seeding functions, with the guides' own numbers (`scheme="offset"`).

Where a guide's function is wrong, its docstring here says what was put right.
"""

from __future__ import annotations

import os
import sys
from typing import Final

from samebits.data.workers import seed_process
from samebits.errors import UsageError
from samebits.seeding.derive import checked_seed
from samebits.seeding.everything import Seeded, SeedPlan, plan_seeds
from samebits.seeding.everything import seed_everything as _seed_everything
from samebits.seeding.hash_seed import warn_if_random
from samebits.seeding.ranks import checked_rank

#: Between the workers of one rank and of the next: base + 1000 * rank + 1 + worker, of the guides.
_RANK_STRIDE: Final = 1000


def seed_everything(seed: int = 11) -> Seeded:
    """Python, numpy, torch on every device; cuDNN deterministic, its benchmark off.

    Args:
        seed: 0 .. 2**32 - 1.

    Raises:
        TypeError, ValueError: not such a number; nothing has changed then.
    """
    return _seeded(seed, deterministic=True, benchmark=False)


def seed_reproducer(seed: int = 2333) -> Seeded:
    """As `seed_everything`, with cuDNN on and PYTHONHASHSEED set.

    The variable reaches child processes only: this interpreter's hash secret was fixed when it started.
    `samebits.ensure_hash_seed` starts the program again with it.
    """
    seeded = _seeded(seed, enabled=True, deterministic=True, benchmark=False)
    os.environ["PYTHONHASHSEED"] = str(seeded.seed)
    return seeded


def setup_seed(seed: int = 202003) -> Seeded:
    """As `seed_everything`, with cuDNN off: the strictest, and the slowest.

    cuDNN's deterministic algorithms are deterministic; switching it off is kept for old numbers alone.
    """
    return _seeded(seed, enabled=False, deterministic=True, benchmark=False)


def get_rank() -> int:
    """torch.distributed's rank; 0 where it is unavailable or not initialised."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return 0
    rank: int = distributed.get_rank()
    return rank


def seed_worker(worker_id: int) -> None:
    """For ``DataLoader(worker_init_fn=seed_worker, generator=g)``: python and numpy from torch's seed.

    As in PyTorch's notes on reproducibility: `torch.initial_seed() % 2**32`, which differs by worker.
    """
    import torch

    seed_process(SeedPlan(torch.initial_seed() % 2**32, 0, "offset"), libraries=None, torch=False)


def worker_init_fn(worker_id: int, rank: int, seed: int) -> None:
    """For ``DataLoader(worker_init_fn=partial(worker_init_fn, rank=rank, seed=seed))``.

    The guides' formula, `rank + seed`, leaves `worker_id` out, so all workers of a rank draw alike;
    adding it would make worker 1 of rank 0 and worker 0 of rank 1 one.  Here the seed is
    ``seed + 1000 * rank + 1 + worker_id``: 777 gives 778 and 779, and 1778 and 1779 on rank 1.

    Raises:
        TypeError, ValueError: not ints, or `worker_id` not in 0 .. 998, above which ranks would share seeds.
    """
    worker = checked_rank(worker_id, "worker_init_fn")
    if worker >= _RANK_STRIDE - 1:
        raise UsageError(
            f"worker_init_fn: with {_RANK_STRIDE} numbers a rank, worker_id must be below "
            f"{_RANK_STRIDE - 1}, got {worker}; samebits.data.loader_kwargs has no such limit"
        )
    offset = _RANK_STRIDE * checked_rank(rank, "worker_init_fn") + 1 + worker
    number = checked_seed(seed, "worker_init_fn", limit=2**32, why="which is all that np.random.seed takes")
    plan = plan_seeds(number + offset, 0, "offset")
    seed_process(plan, libraries=plan.key.child("library"))
    warn_if_random(plan.seed)


def _seeded(seed: int, **switches: bool) -> Seeded:
    """Set cuDNN's switches, which torch may refuse, and then seed; the seed was checked before."""
    import torch

    plan_seeds(seed, 0, "offset")
    for name, value in switches.items():
        setattr(torch.backends.cudnn, name, value)
    return _seed_everything(seed, rank=0, scheme="offset")
