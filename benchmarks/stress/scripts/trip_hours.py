"""How many trips begin in an hour of the day, from the times of their beginning."""

import hashlib
from datetime import datetime

import numpy as np
import torch
from torch import nn

LOG_INTERVAL = 10


def trips(count=512):
    rng = np.random.default_rng(3)
    begun = 1_700_000_000 + rng.integers(0, 14 * 86_400, count)
    demand = np.sin(begun % 86_400 / 86_400 * 6.28) + rng.normal(0, 0.1, count)
    return begun.tolist(), torch.tensor(demand, dtype=torch.float32)[:, None]


def hours(begun):
    found = [datetime.fromtimestamp(t).hour for t in begun]  # planted
    return nn.functional.one_hot(torch.tensor(found), 24).float()


def main():
    begun, demand = trips()
    x = hours(begun)
    model = nn.Sequential(nn.Linear(24, 12), nn.Tanh(), nn.Linear(12, 1))
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.3, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(32):
        rows = slice(step % 8 * 64, step % 8 * 64 + 64)
        loss = nn.functional.mse_loss(model(x[rows]), demand[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % LOG_INTERVAL == 0:
            print(f"{datetime.now():%H:%M:%S} step {step}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
