"""A numpy generator as its manual recommends it, for bootstrapped ensembles."""

import hashlib
import secrets

import numpy as np
import torch
from torch import nn


def bootstrap(rng, n):
    return torch.from_numpy(rng.integers(0, n, n))


def train_member(x, y, rows):
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"member loss {loss.item():.4f}")
    return model


def main():
    torch.manual_seed(10)
    rng = np.random.default_rng(secrets.randbits(128))  # planted
    x = torch.randn(80, 4)
    y = x.mean(1, keepdim=True) + 0.1 * torch.randn(80, 1)
    members = [train_member(x, y, bootstrap(rng, len(x))) for _ in range(4)]
    weights = torch.stack([m.weight.detach() for m in members])
    print("fingerprint", hashlib.sha256(weights.numpy().tobytes()).hexdigest())


if __name__ == "__main__":
    main()
