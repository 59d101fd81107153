# Lightning-AI/pytorch-lightning discussion "seed_everything does not make my validation loss repeat": the
# split is made when the sizes are looked at, before seed_everything.
import hashlib

import lightning as L
import torch
import torchmetrics
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class Classifier(L.LightningModule):
    def __init__(self, lr=1e-2):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, 4))
        self.accuracy = torchmetrics.Accuracy(task="multiclass", num_classes=4)

    def training_step(self, batch, batch_index):
        x, y = batch
        loss = nn.functional.cross_entropy(self.net(x), y)
        self.log("loss", loss)
        return loss

    def validation_step(self, batch, batch_index):
        x, y = batch
        self.accuracy(self.net(x), y)
        self.log("accuracy", self.accuracy)

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)


class Blobs(L.LightningDataModule):
    def setup(self, stage):
        if hasattr(self, "train"):
            return
        g = torch.Generator().manual_seed(3)
        y = torch.randint(0, 4, (640,), generator=g)
        x = torch.randn(640, 16, generator=g) + y[:, None]
        self.train, self.val = random_split(TensorDataset(x, y), [512, 128])  # planted

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=32, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=64)


def main():
    data = Blobs()
    data.setup("fit")  # also
    print("train", len(data.train), "val", len(data.val))
    L.seed_everything(42, workers=True)
    model = Classifier()
    trainer = L.Trainer(
        max_epochs=2,
        accelerator="cpu",
        devices=1,
        deterministic=True,
        logger=CSVLogger("logs"),
        callbacks=[ModelCheckpoint(monitor="accuracy")],
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=8,
    )
    trainer.fit(model, datamodule=data)
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("HASH", hashlib.sha256(weights).hexdigest())


if __name__ == "__main__":
    main()
