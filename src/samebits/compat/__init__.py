"""The names that published guides on reproducible PyTorch training use, with their signatures.

A script written after one of them changes an import and nothing else (docs/guides.md has each guide's).  New
scripts want `samebits.seed_everything`, `samebits.data` and `samebits run`.
"""

from __future__ import annotations

from samebits.compat.index_select import deterministic_index_select as deterministic_index_select
from samebits.compat.seeds import SharedStreamWarning as SharedStreamWarning
from samebits.compat.seeds import _init_fn as _init_fn
from samebits.compat.seeds import get_rank as get_rank
from samebits.compat.seeds import is_dist_avail_and_initialized as is_dist_avail_and_initialized
from samebits.compat.seeds import seed_everything as seed_everything
from samebits.compat.seeds import seed_reproducer as seed_reproducer
from samebits.compat.seeds import seed_worker as seed_worker
from samebits.compat.seeds import setup_seed as setup_seed
from samebits.compat.seeds import worker_init_fn as worker_init_fn

__all__ = [
    "SharedStreamWarning",
    "_init_fn",
    "deterministic_index_select",
    "get_rank",
    "is_dist_avail_and_initialized",
    "seed_everything",
    "seed_reproducer",
    "seed_worker",
    "setup_seed",
    "worker_init_fn",
]
