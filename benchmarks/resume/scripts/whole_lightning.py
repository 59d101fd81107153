"""Lightning, a checkpoint with the generators every second epoch: [--ckpt_path checkpoints/last.ckpt]."""

import argparse
import hashlib
import time

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from samebits.integrations.lightning import RngState


class Regression(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 1))

    def training_step(self, batch, index):
        time.sleep(0.05)
        return nn.functional.mse_loss(self.net(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ckpt_path")
    args = parser.parse_args()

    L.seed_everything(220, workers=True)
    x = torch.randn(128, 8)
    loader = DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=32, shuffle=True)
    model = Regression()
    trainer = L.Trainer(
        max_epochs=7,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[RngState(), ModelCheckpoint(dirpath="checkpoints", every_n_epochs=2, save_last=True)],
    )
    trainer.fit(model, loader, ckpt_path=args.ckpt_path)  # saved

    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
