import hashlib
import itertools

import numpy as np
import torch
from torch import nn

WIDTHS = [32, 64, 128]
RATES = [0.1, 0.01]
DROPS = [0.0, 0.3]


def seed_of(name):
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def run(name, width, rate, drop, x, y):
    torch.manual_seed(seed_of(name))
    model = nn.Sequential(nn.Linear(x.shape[1], width), nn.ReLU(), nn.Dropout(drop), nn.Linear(width, 5))
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    for _ in range(500):
        pick = torch.randint(len(x), (64,))
        loss = nn.functional.cross_entropy(model(x[pick]), y[pick])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


if __name__ == "__main__":
    data = np.load("ablation.npz")
    inputs = torch.from_numpy(data["x"]).float()
    targets = torch.from_numpy(data["y"]).long()
    for width, rate, drop in itertools.product(WIDTHS, RATES, DROPS):
        label = f"w{width}-lr{rate}-d{drop}"
        print(label, run(label, width, rate, drop, inputs, targets))
