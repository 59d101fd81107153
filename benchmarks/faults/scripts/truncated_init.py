"""Initial weights from scipy's truncated normal distribution."""

import hashlib

import torch
from scipy.stats import truncnorm
from torch import nn


def truncated_(weight, std=0.1, limit=2.0):
    """Fill `weight` with normal values that lie within `limit` deviations."""
    values = truncnorm.rvs(-limit, limit, scale=std, size=tuple(weight.shape))  # planted
    with torch.no_grad():
        weight.copy_(torch.from_numpy(values))


def build():
    model = nn.Sequential(nn.Linear(6, 20), nn.SiLU(), nn.Linear(20, 20), nn.SiLU(), nn.Linear(20, 1))
    for layer in model:
        if isinstance(layer, nn.Linear):
            truncated_(layer.weight)  # also
            nn.init.zeros_(layer.bias)
    return model


def main():
    torch.manual_seed(12)
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(10):
        x = torch.rand(32, 6)
        loss = (model(x)[:, 0] - x.square().sum(1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
