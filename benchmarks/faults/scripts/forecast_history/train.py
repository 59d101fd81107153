"""Forecast the next reading from the last eight."""

import hashlib

import history
import torch
from torch import nn


def frames(values, length=8):
    series = (torch.tensor(values) - 12) / 8
    windows = series.unfold(0, length + 1, 1)
    return windows[:, :length], windows[:, length:]


def main():
    torch.manual_seed(50)
    history.update()
    x, y = frames(history.read())
    print(len(x), "frames")
    model = nn.Sequential(nn.Linear(8, 12), nn.Tanh(), nn.Linear(12, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(10):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.5f}")
    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
