"""Imbalanced classification with a balancing sampler."""

import hashlib
import random
import sys
from pathlib import Path

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

sys.path.insert(0, str(Path(__file__).resolve().parent / "vendor" / "site-packages"))

from samplekit import Balanced


def make_data(n=200):
    x = torch.randn(n, 6)
    y = (x.sum(1) > 2.0).long()
    return TensorDataset(x, y)


def make_loader(data):
    labels = data.tensors[1].tolist()
    sampler = Balanced(labels, per_class=60)  # planted
    return DataLoader(data, batch_size=20, sampler=sampler)


def main():
    random.seed(7)
    torch.manual_seed(7)
    loader = make_loader(make_data())
    model = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(2):
        for x, y in loader:  # also
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
