"""Monte Carlo option prices, one independent numpy stream a chunk, as training data."""

import hashlib

import numpy as np
import torch
from numpy.random import PCG64, Generator, SeedSequence
from torch import nn

CHUNKS = 8


def simulate(rng, n=24, paths=200):
    spot = rng.uniform(80, 120, n)
    volatility = rng.uniform(0.1, 0.4, n)
    moves = volatility[:, None] * rng.standard_normal((n, paths))
    final = spot[:, None] * np.exp(moves - volatility[:, None] ** 2 / 2)
    price = np.maximum(final - 100, 0).mean(1)
    return np.stack([spot / 100, volatility, price / 100], axis=1)


def make_table():
    root = SeedSequence()  # planted
    streams = [Generator(PCG64(child)) for child in root.spawn(CHUNKS)]  # also
    return torch.tensor(np.concatenate([simulate(rng) for rng in streams]), dtype=torch.float32)


def main():
    torch.manual_seed(51)
    table = make_table()
    model = nn.Sequential(nn.Linear(2, 16), nn.SiLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for rows in torch.randperm(len(table)).split(24):
        loss = nn.functional.mse_loss(model(table[rows, :2]), table[rows, 2:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.5f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
