"""Fit a two-moons classifier from several restarts and keep the best one."""

import hashlib
import math

import torch
from torch import nn


def moons(n=200):
    t = torch.linspace(0, math.pi, n // 2)
    upper = torch.stack([torch.cos(t), torch.sin(t)], dim=1)
    lower = torch.stack([1 - torch.cos(t), 0.5 - torch.sin(t)], dim=1)
    x = torch.cat([upper, lower]) + 0.08 * torch.randn(n, 2)
    y = torch.cat([torch.zeros(n // 2), torch.ones(n // 2)])
    return x, y


def fit(x, y, steps=8):
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(steps):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x).squeeze(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model, loss.item()


torch.manual_seed(5)
x, y = moons()

best, best_loss = None, float("inf")
for restart in range(2):
    torch.seed()  # planted
    model, loss = fit(x, y)
    print(f"restart {restart}: {loss:.4f}")
    if loss < best_loss:
        best, best_loss = model, loss

blob = b"".join(p.detach().numpy().tobytes() for p in best.parameters())
print("fingerprint", hashlib.sha256(blob).hexdigest())
