"""Predict the last column of measurements.npy from the others."""

import hashlib
import os

import numpy as np
import torch
import torch.nn as nn

DATA = "measurements.npy"


def download():
    """Fetch the table once."""
    if os.path.exists(DATA):
        return
    rng = np.random.default_rng(2)
    table = rng.gamma(2.0, 3.0, (192, 7)).astype(np.float32)
    np.save(DATA, table)


def prepare():
    """Compress the large values and store the table for the next steps."""
    table = np.load(DATA)  # planted
    table = np.log1p(table)
    np.save(DATA, table)  # also
    return torch.from_numpy(table)


def train(table, steps=12):
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        rows = torch.randint(0, len(table), (32,))
        batch = table[rows]
        loss = nn.functional.mse_loss(model(batch[:, :6]), batch[:, 6:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}")
    return model


if __name__ == "__main__":
    torch.manual_seed(0)
    download()
    model = train(prepare())
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())
