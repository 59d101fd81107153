import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class LeafModule(L.LightningModule):
    def __init__(self, lr=1e-3):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 32))

    def training_step(self, batch, batch_index):
        x, y = batch
        loss = nn.functional.cross_entropy(self.net(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_index):
        x, y = batch
        self.log("val_acc", (self.net(x).argmax(1) == y).float().mean())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


def main(seed=2):
    L.seed_everything(seed, workers=True)
    blob = torch.load("leaves.pt")
    train = TensorDataset(blob["x"][:-100], blob["y"][:-100])
    val = TensorDataset(blob["x"][-100:], blob["y"][-100:])
    order = torch.Generator().manual_seed(seed)
    trainer = L.Trainer(max_epochs=20, benchmark=False, deterministic=True)
    trainer.fit(
        LeafModule(),
        DataLoader(train, batch_size=16, shuffle=True, generator=order),
        DataLoader(val, batch_size=100),
    )


if __name__ == "__main__":
    main()
