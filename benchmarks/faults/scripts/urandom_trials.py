"""Random search over learning rates with the operating system's entropy as the seed."""

import hashlib
import os
import random

import torch
import torch.nn as nn


def trial(lr, seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(6):
        x = torch.randn(24, 4)
        loss = (model(x)[:, 0] - x.amax(1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item(), model


search = random.Random(int.from_bytes(os.urandom(8), "little"))  # planted
results = []
for number in range(4):
    lr = 10 ** search.uniform(-2.5, -0.7)
    loss, model = trial(lr, seed=number)
    print(f"trial {number} lr {lr:.4f} loss {loss:.4f}")
    results.append((loss, number, model))

best = min(results)[2]
digest = hashlib.sha256()
for p in best.parameters():
    digest.update(p.detach().numpy().tobytes())
print("fingerprint", digest.hexdigest())
