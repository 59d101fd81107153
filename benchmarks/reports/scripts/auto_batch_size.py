"""batch_size: auto: measure a few steps of each size and train with the best throughput."""

import copy
import hashlib

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils import benchmark


class Trainer:
    def __init__(self, model, x, y):
        self.model, self.x, self.y = model, x, y
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(self, rows):
        loss = nn.functional.cross_entropy(self.model(self.x[rows]), self.y[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def tune_batch_size(self, sizes):
        """Samples a second for each size: the median of five steps on a copy."""
        trial = Trainer(copy.deepcopy(self.model), self.x, self.y)
        speed = {}
        for size in sizes:
            timer = benchmark.Timer("trial.step(slice(size))", globals={"trial": trial, "size": size})
            speed[size] = size / timer.timeit(5).median  # also
        return max(speed, key=speed.get)  # planted

    def train(self, batch_size="auto"):
        if batch_size == "auto":
            batch_size = self.tune_batch_size(range(160, 224, 2))  # also
        print("batch size", batch_size)
        for rows in torch.randperm(len(self.x)).split(batch_size):
            loss = self.step(rows)
        print(f"loss {loss:.4f}")


if __name__ == "__main__":
    torch.manual_seed(33)
    digits = load_digits()
    x, y = torch.tensor(digits.data[:1200] / 16, dtype=torch.float32), torch.tensor(digits.target[:1200])
    model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
    Trainer(model, x, y).train()
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())
