"""Centre loss: each class has a centre, which is trained with the network.

Goes on from centers.ckpt where there is one.
"""

import hashlib
import os
import time

import torch
from sklearn.datasets import load_iris
from torch import nn


class CenterLoss(nn.Module):
    def __init__(self, classes, width):
        super().__init__()
        self.centers = nn.Parameter(torch.randn(classes, width))

    def forward(self, features, labels):
        return (features - self.centers[labels]).square().sum(1).mean()


class Run:
    path = "centers.ckpt"

    def __init__(self):
        self.net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 5))
        self.classify = nn.Sequential(nn.ReLU(), nn.Linear(5, 3))
        self.criterion = CenterLoss(3, 5)
        self.optimizer = torch.optim.Adam(
            [
                {"params": [*self.net.parameters(), *self.classify.parameters()], "lr": 1e-2},
                {"params": self.criterion.parameters(), "lr": 5e-2},
            ]
        )
        self.epoch = 0

    def save(self):
        state = {"net": self.net.state_dict(), "classify": self.classify.state_dict()}
        state |= {"optimizer": self.optimizer.state_dict(), "epoch": self.epoch}
        torch.save(state, self.path)  # saved

    def load(self):
        state = torch.load(self.path)  # loaded
        self.net.load_state_dict(state["net"])
        self.classify.load_state_dict(state["classify"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch = state["epoch"]

    def train(self, x, y, epochs):
        while self.epoch < epochs:
            for part in range(5):
                features = self.net(x[part::5])
                loss = nn.functional.cross_entropy(self.classify(features), y[part::5])
                loss = loss + 0.1 * self.criterion(features, y[part::5])
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                time.sleep(0.05)
            self.epoch += 1
            print(f"epoch {self.epoch}: {loss.item():.4f}")
            if self.epoch < epochs:
                self.save()


if __name__ == "__main__":
    torch.manual_seed(81)
    iris = load_iris()
    run = Run()
    if os.path.exists(Run.path):
        run.load()
    run.train(torch.tensor(iris.data, dtype=torch.float32), torch.tensor(iris.target), epochs=6)
    sha = hashlib.sha256()
    for p in [*run.net.parameters(), *run.classify.parameters(), *run.criterion.parameters()]:
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())
