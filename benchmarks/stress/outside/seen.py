"""What is seen of a run: the weights at its end, and which streams its loaders' workers drew from.

Two workers have the same stream if one generator of theirs was of the same seed, whatever they drew before:
a Mersenne Twister's block of 624 words, or the increment of a PCG64.  It counts only if the generator moved
while samples were made, so a copy that nobody draws from is none.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import random
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.data import get_worker_info
from torch.utils.data._utils import fetch

#: Nobody keeps a generator in these.
_LEFT_OUT = type | torch.Tensor | types.ModuleType | types.FunctionType

_weights: dict[int, torch.Tensor] = {}


def install(out: str) -> None:
    """Write `weights.npy` into the folder `out` at the end, and `streams-PID.jsonl` in each worker."""
    folder, program = Path(out), os.getpid()

    def keep(optimizer: torch.optim.Optimizer, *_: object) -> None:
        for group in optimizer.param_groups:
            _weights.update((id(p), p) for p in group["params"])

    def write() -> None:
        if os.getpid() == program and _weights:
            parts = [p.detach().reshape(-1).double().numpy() for p in _weights.values()]
            np.save(folder / "weights.npy", np.concatenate(parts))

    register_optimizer_step_post_hook(keep)
    atexit.register(write)
    for kind in (fetch._MapDatasetFetcher, fetch._IterableDatasetFetcher):
        kind.fetch = _watched(kind.fetch, folder)  # type: ignore[method-assign]


def _watched(made: Any, folder: Path) -> Any:
    def fetch_watched(self: Any, indices: Any) -> Any:
        info = get_worker_info()
        if info is None:
            return made(self, indices)
        before = {name: _state(held) for name, held in _generators(info.dataset).items()}
        batch = made(self, indices)
        held = _generators(info.dataset)
        drawn = {name: _stream(one) for name, one in held.items() if _state(one) != before.get(name)}
        with open(folder / f"streams-{os.getpid()}.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps([f"{os.getpid()}/{info.id}", drawn]) + "\n")
        return batch

    return fetch_watched


def _generators(dataset: object) -> dict[str, object]:
    """Name -> generator: the global ones, the program's modules', and those that the dataset holds."""
    found: dict[str, object] = {"random": random, "numpy": np.random, "torch": torch.default_generator}
    here = os.getcwd()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(here):
            _look(vars(module), name, found, 1)
    _look({"dataset": dataset}, "", found, 4)
    return found


def _look(values: dict[str, Any], path: str, found: dict[str, object], depth: int) -> None:
    for name, value in values.items():
        place = f"{path}.{name}"
        if isinstance(value, random.Random | np.random.Generator | np.random.RandomState | torch.Generator):
            found[place] = value
        elif depth and hasattr(value, "__dict__") and not isinstance(value, _LEFT_OUT):
            _look(vars(value), place, found, depth - 1)


def _state(held: Any) -> str:
    """All of a generator's state."""
    if isinstance(held, torch.Generator):
        return hashlib.sha256(held.get_state().numpy().tobytes()).hexdigest()
    if held is random or isinstance(held, random.Random):
        return _hashed(held.getstate())
    if hasattr(held, "get_state"):
        _, words, *rest = held.get_state()
        return _hashed((words.tobytes(), rest))
    return _hashed(held.bit_generator.state)


def _stream(held: Any) -> str:
    """What of a generator's state stays while it draws a little."""
    if isinstance(held, torch.Generator):  # seed, left, seeded, next, then 624 words of 8 bytes each
        words = held.get_state().numpy().tobytes()
        return hashlib.sha256(words[24 : 24 + 624 * 8]).hexdigest()
    if held is random or isinstance(held, random.Random):
        return _hashed(held.getstate()[1][:-1])
    if hasattr(held, "get_state"):
        return _hashed(held.get_state()[1].tobytes())
    state = held.bit_generator.state
    inner = state["state"]
    return _hashed(inner.get("inc") or inner.get("key"))


def _hashed(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()
