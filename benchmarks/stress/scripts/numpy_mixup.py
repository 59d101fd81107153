"""Mixup with numpy's global generator."""

import hashlib

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

LOG_INTERVAL = 10


def mixup(x, y):
    weight = np.random.beta(0.4, 0.4)  # planted
    partner = torch.from_numpy(np.random.permutation(len(x)))  # also
    return x * weight + x[partner] * (1 - weight), y * weight + y[partner] * (1 - weight)


def main(seed=22):
    np.random.seed(seed)
    digits = load_digits()
    x = torch.tensor(digits.data[:640] / 16, dtype=torch.float32)
    y = nn.functional.one_hot(torch.tensor(digits.target[:640]), 10).float()
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    with torch.no_grad():
        generator = torch.Generator().manual_seed(seed)
        for p in model.parameters():
            p.uniform_(-0.15, 0.15, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(30):
        rows = slice(step % 20 * 32, step % 20 * 32 + 32)
        mixed, target = mixup(x[rows], y[rows])
        loss = nn.functional.cross_entropy(model(mixed), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % LOG_INTERVAL == 0:
            print(f"step {step}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
