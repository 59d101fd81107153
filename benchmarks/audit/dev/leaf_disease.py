import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset, random_split


class LeafData(L.LightningDataModule):
    def __init__(self, path, seed=3, batch_size=64):
        super().__init__()
        self.path, self.seed, self.batch_size = path, seed, batch_size

    def setup(self, stage=None):
        blob = torch.load(self.path)
        data = TensorDataset(blob["x"], blob["y"])
        rest, self.test = random_split(data, [0.9, 0.1], torch.Generator().manual_seed(self.seed))
        cut = int(len(rest) * 0.9)
        self.train, self.val = Subset(rest, range(cut)), Subset(rest, range(cut, len(rest)))

    def train_dataloader(self):
        g = torch.Generator().manual_seed(self.seed)
        return DataLoader(self.train, self.batch_size, shuffle=True, generator=g)

    def val_dataloader(self):
        return DataLoader(self.val, self.batch_size)


class Classifier(L.LightningModule):
    def __init__(self, dim, classes):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(dim, 64), nn.SiLU(), nn.Linear(64, classes))

    def training_step(self, batch, _):
        x, y = batch
        return nn.functional.cross_entropy(self.net(x), y)

    def validation_step(self, batch, _):
        x, y = batch
        self.log("val_loss", nn.functional.cross_entropy(self.net(x), y))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)


if __name__ == "__main__":
    L.seed_everything(3, workers=True)
    trainer = L.Trainer(max_epochs=5, deterministic=True, enable_checkpointing=False)
    trainer.fit(Classifier(512, 9), LeafData("leaves.pt"))
