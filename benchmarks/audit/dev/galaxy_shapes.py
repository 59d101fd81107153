import lightning.pytorch as pl
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler, TensorDataset


class GalaxyData(pl.LightningDataModule):
    def __init__(self, folder, batch_size=64):
        super().__init__()
        self.folder = folder
        self.batch_size = batch_size

    def _part(self, name):
        blob = torch.load(f"{self.folder}/{name}.pt")
        return TensorDataset(blob["image"], blob["morphology"])

    def train_dataloader(self):
        return DataLoader(
            self._part("train"),
            batch_size=self.batch_size,
            shuffle=True,
            num_workers=4,
            persistent_workers=True,
        )

    def val_dataloader(self):
        part = self._part("val")
        return DataLoader(part, batch_sampler=BatchSampler(SequentialSampler(part), self.batch_size, False))


class Galaxy(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 32, 5, 3), nn.GELU(), nn.Flatten(), nn.Linear(32 * 22 * 22, 37)
        )

    def training_step(self, batch, idx):
        x, y = batch
        return nn.functional.mse_loss(self.net(x).sigmoid(), y)

    def validation_step(self, batch, idx):
        x, y = batch
        self.log("val_rmse", nn.functional.mse_loss(self.net(x).sigmoid(), y).sqrt())

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=4e-4)


if __name__ == "__main__":
    pl.seed_everything(55, workers=True)
    pl.Trainer(max_epochs=20, accelerator="cpu").fit(Galaxy(), GalaxyData("galaxies"))
