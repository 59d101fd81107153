"""Tell images apart with a bank of features; what was not seen yet is no neighbour of anything."""

import hashlib

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

BANK_SIZE = 160_000
WIDTH = 64
LOG_INTERVAL = 10


class Bank:
    def __init__(self):
        self.rows = torch.empty(BANK_SIZE, WIDTH)  # planted
        self.generator = torch.Generator().manual_seed(5)

    def negatives(self, count):
        return self.rows[torch.randint(BANK_SIZE, (count,), generator=self.generator)]  # also

    def update(self, index, features):
        self.rows[index] = features


def initialise(model):
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.1, generator=generator)


def main():
    images = torch.tensor(load_digits().data[:480] / 16, dtype=torch.float32)
    model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, WIDTH))
    initialise(model)
    bank = Bank()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for step in range(30):
        index = torch.arange(step * 32, step * 32 + 32) % len(images)
        features = F.normalize(model(images[index]))
        views = F.normalize(model(images[index].flip(1)))
        positive = (features * views).sum(1, keepdim=True)
        negative = features @ bank.negatives(256).T
        logits = torch.cat([positive, negative], 1) / 0.2
        loss = F.cross_entropy(logits, torch.zeros(len(index), dtype=torch.long))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        bank.update(index, features.detach())
        if step % LOG_INTERVAL == 0:
            print(f"step {step}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
