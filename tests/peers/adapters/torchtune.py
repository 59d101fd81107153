"""torchtune's name: seeds of 32 bits, its own words for a refused one, and torch's debug mode beside it."""

from __future__ import annotations

import sys
from types import ModuleType

import samebits

_LIMIT = 2**32
_MODES: dict[str | int, int] = {"default": 0, "warn": 1, "error": 2}


def set_seed(seed: int, debug_mode: str | int | None = None) -> int:
    try:
        if seed >= _LIMIT:
            raise ValueError(f"{seed} has more than 32 bits")
        seeded = samebits.seed_everything(seed)
    except ValueError as error:
        raise ValueError(f"Invalid seed value provided: {error}") from error
    if mode := _MODES.get(debug_mode, debug_mode):
        samebits.deterministic("warn" if mode == 1 else "strict", replace="none")
    return int(seeded)


def modules() -> dict[str, ModuleType]:
    return {"torchtune.training.seed": sys.modules[__name__]}
