"""An exponential schedule, stepped after every epoch, and once more where a run goes on."""

import argparse
import hashlib
import time

import torch
from torch import nn


class Training:
    def __init__(self, epochs):
        self.epochs = epochs
        self.epoch = 0
        self.model = nn.Sequential(nn.Linear(6, 20), nn.ELU(), nn.Linear(20, 2))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.2, momentum=0.8)
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, gamma=0.8)

    def restore(self, path):
        saved = torch.load(path)  # loaded
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.scheduler.load_state_dict(saved["scheduler"])
        self.scheduler.step()
        self.epoch = saved["epoch"]

    def store(self, path):
        parts = ("model", "optimizer", "scheduler")
        state = {name: getattr(self, name).state_dict() for name in parts}
        torch.save({**state, "epoch": self.epoch}, path)  # saved

    def run(self, x, y):
        while self.epoch < self.epochs:
            for rows in torch.arange(len(x)).split(32):
                loss = nn.functional.mse_loss(self.model(x[rows]), y[rows])
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                time.sleep(0.05)
            self.scheduler.step()
            self.epoch += 1
            print(f"epoch {self.epoch}: {loss.item():.4f}")
            if self.epoch < self.epochs:
                self.store("training.pt")


parser = argparse.ArgumentParser()
parser.add_argument("--restore")
options = parser.parse_args()
torch.manual_seed(17)
x = torch.randn(128, 6)
training = Training(epochs=7)
if options.restore:
    training.restore(options.restore)
training.run(x, x[:, :2] * x[:, 2:4])
sha = hashlib.sha256()
for value in training.model.state_dict().values():
    sha.update(value.numpy().tobytes())
print("fingerprint", sha.hexdigest())
