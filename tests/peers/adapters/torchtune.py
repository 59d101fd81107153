"""torchtune's name: seeds of 32 bits, its own words for a refused one, and torch's debug mode beside it."""

from __future__ import annotations

import os
import sys
from types import ModuleType

import torch

import samebits
from samebits.determinism.environment import apply_deterministic, deterministic_environment

_LIMIT = 2**32
_MODES: dict[str | int, int] = {"default": 0, "warn": 1, "error": 2}


def set_seed(seed: int, debug_mode: str | int | None = None) -> int:
    try:
        if seed >= _LIMIT:
            raise ValueError(f"{seed} has more than 32 bits")
        seeded = samebits.seed_everything(seed)
    except ValueError as error:
        raise ValueError(f"Invalid seed value provided: {error}") from error
    if _MODES.get(debug_mode, debug_mode):
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = deterministic_environment()["CUBLAS_WORKSPACE_CONFIG"]
        apply_deterministic()
        torch.set_deterministic_debug_mode(debug_mode)  # samebits has no mode that only warns
    return int(seeded)


def modules() -> dict[str, ModuleType]:
    return {"torchtune.training.seed": sys.modules[__name__]}
