"""Lightning keeps a checkpoint every few milliseconds; the newest one is what is deployed."""

import hashlib
import logging
import shutil
from datetime import timedelta
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)


class Regression(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 1))

    def training_step(self, batch, _):
        x, y = batch
        return nn.functional.mse_loss(self.net(x)[:, 0], y)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.05)


def main():
    shutil.rmtree("kept", ignore_errors=True)
    pl.seed_everything(7)
    x = torch.randn(1_600, 5)
    loader = DataLoader(TensorDataset(x, x.prod(1)), batch_size=4, shuffle=True)
    every = timedelta(milliseconds=150)
    keep = ModelCheckpoint("kept", "newest", train_time_interval=every)  # planted
    trainer = pl.Trainer(
        max_epochs=1,
        callbacks=[keep],
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Regression(), loader)
    checkpoint = torch.load(Path(keep.best_model_path), weights_only=False)
    print("deployed: step", checkpoint["global_step"])
    digest = hashlib.sha256()
    for value in checkpoint["state_dict"].values():
        digest.update(value.numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
