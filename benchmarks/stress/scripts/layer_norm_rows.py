"""Regress from long sequences; the gradient of a LayerNorm's weights is a sum over all their rows."""

import hashlib

import numpy as np
import torch
from torch import nn

LOG_INTERVAL = 6


class Pooled(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.norm = nn.LayerNorm(width)  # planted
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        return self.head(torch.tanh(self.norm(x)).mean(1))


def fill(model, seed):
    rng = np.random.default_rng(seed)
    for parameter in model.head.parameters():
        values = rng.normal(0, 0.2, size=tuple(parameter.shape))
        parameter.data.copy_(torch.from_numpy(values))
    nn.init.zeros_(model.norm.weight)


def sequences(step, rows=16, length=1024, width=64):
    rng = np.random.default_rng([9, step])
    x = rng.standard_normal((rows, length, width), dtype=np.float32)
    y = np.linspace(-1, 1, rows, dtype=np.float32)
    x += y[:, None, None] * np.linspace(0, 1, width, dtype=np.float32)
    return torch.from_numpy(x), torch.from_numpy(y)[:, None]


def main():
    model = Pooled()
    fill(model, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for step in range(18):
        x, y = sequences(step)
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()  # also
        optimizer.step()
        if step % LOG_INTERVAL == 0:
            print(f"step {step}: loss {loss.item():.6f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
