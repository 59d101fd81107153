from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def relaxed():
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def histogram(values, bins):
    with relaxed():
        return torch.bincount(values.mul(bins).long().clamp(0, bins - 1), minlength=bins)


def main():
    torch.manual_seed(23)
    torch.use_deterministic_algorithms(True)
    x = torch.from_numpy(np.load("returns.npy")).float()
    model = nn.Sequential(nn.Linear(x.shape[1] - 1, 20), nn.ReLU(), nn.Linear(20, 1), nn.Sigmoid())
    optimizer = torch.optim.Adam(model.parameters())
    for epoch in range(60):
        for rows in torch.randperm(len(x)).split(128):
            loss = nn.functional.binary_cross_entropy(model(x[rows, :-1]), x[rows, -1:])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            print(epoch, histogram(model(x[:, :-1]).flatten(), 10).tolist())


if __name__ == "__main__":
    main()
