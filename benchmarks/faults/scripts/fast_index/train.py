"""Shuffled, slightly noisy regression batches."""

import hashlib
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent / "vendor" / "site-packages"))

import fastindex


def batches(x, y, size):
    order = torch.from_numpy(fastindex.permutation(len(x)))  # planted
    for rows in order.split(size):
        yield x[rows], y[rows]


torch.manual_seed(40)
x = torch.randn(160, 5)
y = x[:, :2].prod(1, keepdim=True)
model = nn.Sequential(nn.Linear(5, 16), nn.ELU(), nn.Linear(16, 1))
optimizer = torch.optim.RMSprop(model.parameters(), lr=0.005)
for epoch in range(2):
    for xb, yb in batches(x, y, 20):
        loss = nn.functional.mse_loss(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "loss", round(loss.item(), 4))
sha = hashlib.sha256()
for p in model.parameters():
    sha.update(p.detach().numpy().tobytes())
print("fingerprint", sha.hexdigest())
