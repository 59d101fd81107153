"""One reproducible seed a data set, made from its name."""

import hashlib

import torch
from torch import nn

DATASETS = ("mnli", "qqp", "sst2")


def seed_of(name):
    return hash(name) % 2**31  # planted


def make_dataset(name):
    generator = torch.Generator().manual_seed(seed_of(name))
    x = torch.randn(40, 5, generator=generator)
    return x, x.sum(1, keepdim=True).sin()


def main():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 12), nn.ReLU(), nn.Linear(12, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for name in DATASETS:
        x, y = make_dataset(name)
        for xb, yb in zip(x.split(10), y.split(10), strict=True):
            loss = nn.functional.mse_loss(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"{name} loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
