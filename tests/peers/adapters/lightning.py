"""Lightning's names: the process's seed in two variables, states in a dict by library.

Left out on purpose: reading a seed from the variable where none is given, and log lines.
"""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

import pytest
import torch  # their tests look for it in this module

import samebits
from samebits.data import loader_kwargs
from samebits.seeding import Key, capture_rng, preserved


def seed_everything(seed: int | None = None, workers: bool = False, verbose: bool = True) -> int:
    seeded = samebits.seed_everything(seed)
    os.environ["PL_GLOBAL_SEED"] = str(int(seeded))
    os.environ["PL_SEED_WORKERS"] = str(int(workers))
    return int(seeded)


def reset_seed() -> None:
    seed_everything(int(os.environ["PL_GLOBAL_SEED"]), os.environ["PL_SEED_WORKERS"] == "1", verbose=False)


def pl_worker_init_function(worker_id: int, rank: int | None = None) -> None:
    loader_kwargs(int(os.environ["PL_GLOBAL_SEED"]), rank=rank)["worker_init_fn"](worker_id)


def _generate_seed_sequence(base_seed: int, worker_id: int, global_rank: int, count: int) -> list[int]:
    key = Key(base_seed, ("rank", global_rank, "worker", worker_id))
    return [key.child(i).integer(64) for i in range(count)]


def _collect_rng_states(include_cuda: bool = True) -> dict[str, Any]:
    process = capture_rng(only=None)["process"]
    return {"torch.cuda": [state for name, state in process.items() if name.startswith("torch:cuda")]}


def _set_rng_states(states: dict[str, Any]) -> None:
    raise NotImplementedError("see tests/peers/left_out.py")


def isolate_rng(include_cuda: bool = True) -> AbstractContextManager[None]:
    return preserved()


def _run_if(min_cuda_gpus: int = 0) -> pytest.MarkDecorator:
    return pytest.mark.skipif(torch.cuda.device_count() < min_cuda_gpus, reason="no such GPU")


def modules() -> dict[str, ModuleType]:
    trainer, helpers = ModuleType("lightning.pytorch.utilities.seed"), ModuleType("runif")
    trainer.isolate_rng = isolate_rng
    helpers.RunIf = _run_if
    return {
        "lightning.fabric.utilities.seed": sys.modules[__name__],
        "lightning.pytorch.utilities.seed": trainer,
        "tests_pytorch.helpers.runif": helpers,
    }
