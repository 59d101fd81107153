"""Four threads augment; each item has a seeded generator of its own."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import nn

SEEDS = np.random.SeedSequence(6).spawn(64)


def augment(number):
    rng = np.random.default_rng(SEEDS[number])
    stream = torch.Generator().manual_seed(int(rng.integers(2**31)))
    base = torch.linspace(0, 1 + number % 3, 16)
    shift = float(rng.normal(0, 0.1))
    return base + shift + 0.05 * torch.randn(16, generator=stream)


def main():
    torch.manual_seed(6)
    with ThreadPoolExecutor(4) as pool:
        x = torch.stack(list(pool.map(augment, range(64))))
    y = torch.arange(64) % 3
    model = nn.Sequential(nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for rows in torch.randperm(64).split(8):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
