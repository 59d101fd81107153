"""Trains, and writes each checkpoint as several files, then its name into `latest`."""

import json
import time
from pathlib import Path

import torch


class Engine:
    def __init__(self, model, folder):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
        self.folder = Path(folder)
        self.epoch = 0

    def checkpoint(self):
        path = self.folder / f"epoch_{self.epoch}"
        path.mkdir(parents=True, exist_ok=True)
        torch.save(self.model.state_dict(), path / "model.pt")  # also
        torch.save(self.optimizer.state_dict(), path / "optimizer.pt")  # saved
        (path / "progress.json").write_text(json.dumps({"epoch": self.epoch}))
        (self.folder / "latest").write_text(path.name)

    def resume(self):
        path = self.folder / (self.folder / "latest").read_text()
        self.model.load_state_dict(torch.load(path / "model.pt"))  # loaded
        self.epoch = json.loads((path / "progress.json").read_text())["epoch"]

    def train(self, data, epochs):
        while self.epoch < epochs:
            order = torch.randperm(len(data), generator=torch.Generator().manual_seed(self.epoch))
            for rows in order.split(50):
                loss = torch.nn.functional.mse_loss(self.model(data[rows]), data[rows])
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                time.sleep(0.05)
            self.epoch += 1
            if self.epoch < epochs:
                self.checkpoint()
