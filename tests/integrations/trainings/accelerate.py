"""A training loop of one's own, with Accelerate's objects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from . import STOP, Model, loader


def train(folder: Path, state: Callable[..., Any] | None, *, epochs: int, resume: bool) -> bytes:
    accelerator = Accelerator(cpu=True)
    model = Model()
    prepared, optimizer, batches = accelerator.prepare(
        model, torch.optim.Adam(model.parameters(), 0.01), loader()
    )
    if state is not None:
        accelerator.register_for_checkpointing(state(model=model))
    if resume:
        accelerator.load_state(str(folder))
    for _ in range(STOP if resume else 0, epochs):
        for (batch,) in batches:
            optimizer.zero_grad()
            accelerator.backward(prepared.cost(batch))
            optimizer.step()
    accelerator.save_state(str(folder))
    return model.bits()
