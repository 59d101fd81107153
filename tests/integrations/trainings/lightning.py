"""A training by Lightning's trainer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from . import Model, loader


def train(folder: Path, state: Callable[..., Any] | None, *, epochs: int, resume: bool) -> bytes:
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
