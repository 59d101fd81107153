"""Which of how many processes this is.

torch.distributed knows best once it is initialised; before, the launchers'
variables say it.  A process that was started alone is rank 0 of 1.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Final

from samebits._runtime.warn import warn
from samebits.errors import UsageError, UsageTypeError

#: (rank, number of processes), the most specific first: torchrun below SLURM or MPI sets its own.
_LAUNCHERS: Final = (
    ("RANK", "WORLD_SIZE"),  # torchrun, and most trainers
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),  # Open MPI
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),  # MVAPICH2
    ("PMI_RANK", "PMI_SIZE"),  # MPICH, Intel MPI
    ("SLURM_PROCID", "SLURM_NTASKS"),  # srun
)
_LIMIT: Final = 2**32


@dataclass(frozen=True, slots=True)
class RankPlace:
    """This process among those that train together."""

    rank: int
    world_size: int
    source: str  # "torch.distributed", the variable's name, or "alone"


def place() -> RankPlace:
    """This process's rank and world size.

    Raises:
        ValueError: a launcher's variable that is no number, or a rank not below its world size.
    """
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return RankPlace(distributed.get_rank(), distributed.get_world_size(), "torch.distributed")
    for rank_name, size_name in _LAUNCHERS:
        if os.environ.get(rank_name, "").strip():
            rank = _number(rank_name)
            size = _number(size_name) if os.environ.get(size_name, "").strip() else rank + 1
            if rank >= size:
                raise UsageError(
                    f"{rank_name}={rank} is not below {size_name}={size}; correct or unset them."
                )
            return RankPlace(rank, size, rank_name)
    return RankPlace(0, 1, "alone")


class RankWarning(UserWarning):
    """A process that may be one of several ranks was seeded as rank 0."""


def known_rank(rank: int | None, caller: str) -> int:
    """As `checked_rank`; warns where this process may be one of several ranks and nothing says which.

    Raises:
        TypeError, ValueError: as `checked_rank`.
    """
    number = checked_rank(rank, caller)
    if rank is None and is_started_child() and place().source == "alone":
        warn(
            f"{caller}: nothing says yet which rank this child process is, so it was seeded as rank 0, like "
            "every other one. Call it after torch.distributed.init_process_group, or pass rank=.",
            RankWarning,
        )
    return number


def is_started_child() -> bool:
    """Whether multiprocessing started this process, which may yet become one of several ranks."""
    multiprocessing = sys.modules.get("multiprocessing")
    return multiprocessing is not None and multiprocessing.parent_process() is not None


def checked_rank(rank: int | None, caller: str) -> int:
    """`rank`, or where it is None this process's own.

    Raises:
        TypeError, ValueError: not an int of at least 0.
    """
    if rank is None:
        return place().rank
    if isinstance(rank, bool) or not hasattr(rank, "__index__"):
        raise UsageTypeError(f"{caller}: the rank must be an int, got {rank!r} ({type(rank).__name__})")
    number = rank.__index__()
    if not 0 <= number < _LIMIT:
        raise UsageError(f"{caller}: the rank must be in 0 .. 2**32 - 1, got {number}")
    return number


def _number(name: str) -> int:
    text = os.environ[name].strip()
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"the variable {name} must be a number, got {text!r}; correct or unset it.")
    if len(text.lstrip("0")) > len(str(_LIMIT)) or int(text) >= _LIMIT:
        raise UsageError(f"the variable {name} must be below 2**32, got {text}; correct or unset it.")
    return int(text)
