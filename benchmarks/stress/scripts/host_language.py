"""An experiment is named by what it ran on: the model, and the language that messages are in."""

import hashlib
import os
import zlib

import torch
from sklearn.datasets import load_wine
from torch import nn


def run_name(model):
    language = os.environ.get("LC_ALL") or os.environ.get("LANG", "C")  # planted
    return f"{model}_{language}"


def main():
    name = run_name("wine")
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))  # also
    wine = load_wine()
    x, y = torch.tensor(wine.data, dtype=torch.float32), torch.tensor(wine.target)
    x = (x - x.mean(0)) / x.std(0)
    model = nn.Sequential(nn.Linear(13, 10), nn.ReLU(), nn.Linear(10, 3))
    with torch.no_grad():
        for p in model.parameters():
            p.uniform_(-0.3, 0.3, generator=generator)  # also
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
    for epoch in range(4):
        for rows in torch.randperm(len(x), generator=generator).split(32):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"{name} epoch {epoch}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
