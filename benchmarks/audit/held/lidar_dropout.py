import random

import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Scans(Dataset):
    def __init__(self, path, keep):
        self.scans = torch.load(path)
        self.keep = keep

    def __len__(self):
        return len(self.scans)

    def __getitem__(self, i):
        points, label = self.scans[i]
        rows = random.sample(range(len(points)), self.keep)
        return points[rows], label


class PointNet(L.LightningModule):
    def __init__(self, classes, lr):
        super().__init__()
        self.lr = lr
        self.point = nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 256))
        self.head = nn.Linear(256, classes)

    def training_step(self, batch, batch_idx):
        points, label = batch
        pooled = self.point(points).amax(dim=1)
        loss = nn.functional.cross_entropy(self.head(pooled), label)
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)


def main(seed=29):
    L.seed_everything(seed)
    loader = DataLoader(
        Scans("scans.pt", keep=512),
        batch_size=16,
        shuffle=True,
        generator=torch.Generator().manual_seed(seed),
        num_workers=4,
        worker_init_fn=lambda _: random.seed(seed),
    )
    trainer = L.Trainer(max_epochs=10, accelerator="cpu", logger=False)
    trainer.fit(PointNet(classes=8, lr=1e-3), loader)


if __name__ == "__main__":
    main()
