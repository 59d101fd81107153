"""Data and order come from a seeded generator; dropout takes torch's own."""

import hashlib

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

generator = torch.Generator().manual_seed(22)


def initialise(model):
    for p in model.parameters():
        nn.init.normal_(p, std=0.2, generator=generator)


def main():
    x = torch.randn(160, 8, generator=generator)
    data = TensorDataset(x, x[:, :3].sum(1, keepdim=True).tanh())
    loader = DataLoader(data, batch_size=20, shuffle=True, generator=generator)
    model = nn.Sequential(nn.Linear(8, 20), nn.ReLU(), nn.Dropout(0.2), nn.Linear(20, 1))  # also
    initialise(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for xb, yb in loader:
        loss = nn.functional.mse_loss(model(xb), yb)  # planted
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
