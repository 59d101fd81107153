"""One small training a framework, stopped at an epoch's end and resumed from the framework's own checkpoint.

A training draws in every step from Python's, numpy's and torch's process-wide generators and from one of the
model's own, and `train` returns the bits of its parameters.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 3
STOP = 1  # epochs before the stop


class Train(Protocol):
    def __call__(
        self, folder: Path, state: Callable[..., Any] | None, *, epochs: int, resume: bool
    ) -> bytes: ...


def seed(number: int) -> None:
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


class Model(nn.Linear):
    """A linear layer whose inputs are augmented from four generators."""

    def __init__(self) -> None:
        super().__init__(3, 1)
        self.own = np.random.default_rng(5)

    def cost(self, batch: torch.Tensor) -> torch.Tensor:
        noise = random.random() + np.random.random() + self.own.random()
        return (self(batch + noise + torch.rand(3)) ** 2).mean()

    def bits(self) -> bytes:
        return b"".join(value.detach().numpy().tobytes() for value in self.parameters())


def loader() -> DataLoader[tuple[torch.Tensor, ...]]:
    data = TensorDataset(torch.arange(24.0).reshape(8, 3) / 24)
    return DataLoader(data, batch_size=2, shuffle=True)


def lightning(folder: Path, state: Callable[..., Any] | None, *, epochs: int, resume: bool) -> bytes:
    import pytorch_lightning as pl

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = Model()

        def training_step(self, batch: list[torch.Tensor]) -> torch.Tensor:
            return self.model.cost(batch[0])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), 0.01)

    module = Module()
    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        default_root_dir=folder,
        callbacks=[] if state is None else [state(model=module.model)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    file = folder / "last.ckpt"
    # Not weights alone: Lightning's own part of the checkpoint is no plain data.
    trainer.fit(module, loader(), ckpt_path=file if resume else None, weights_only=False)
    trainer.save_checkpoint(file)
    return module.model.bits()


def accelerate(folder: Path, state: Callable[..., Any] | None, *, epochs: int, resume: bool) -> bytes:
    from accelerate import Accelerator

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


#: Integration -> its training: a new integration adds a function here.
TRAININGS: dict[str, Train] = {"accelerate": accelerate, "lightning": lightning}
