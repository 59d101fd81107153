"""A run that stops within an epoch, with a loader that keeps its own place."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import TensorDataset

from samebits.data import SeededLoader
from samebits.integrations.lightning import RngState

from .trainings import Model, seed

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


class Module(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.seen: list[float] = []

    def on_train_start(self) -> None:
        random.random()  # a draw between the loading of the checkpoint and the first batch

    def training_step(self, batch: list[torch.Tensor]) -> torch.Tensor:
        self.seen.append(random.random())
        return self.model.cost(batch[0])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), 0.01)


def train(folder: Path, steps: int, resume: bool) -> Module:
    module = Module()
    data = TensorDataset(torch.arange(24.0).reshape(8, 3) / 24)
    trainer = pl.Trainer(
        max_steps=steps,
        accelerator="cpu",
        default_root_dir=folder,
        callbacks=[
            RngState(model=module.model),
            pl.callbacks.ModelCheckpoint(folder, filename="{step}", every_n_train_steps=3, save_top_k=-1),
        ],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    loader: Any = SeededLoader(data, seed=3, batch_size=2)
    trainer.fit(module, loader, ckpt_path=folder / "step=3.ckpt" if resume else None, weights_only=False)
    return module


def test_within_an_epoch(tmp_path: Path) -> None:
    seed(1)
    whole = train(tmp_path / "whole", 8, resume=False)
    seed(1)
    train(tmp_path / "parts", 3, resume=False)
    seed(2)
    resumed = train(tmp_path / "parts", 8, resume=True)
    assert resumed.seen == whole.seen[3:]
    assert resumed.model.bits() == whole.model.bits()
