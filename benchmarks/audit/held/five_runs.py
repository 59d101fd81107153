import statistics

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def set_seed(seed):
    np.random.seed(seed)
    torch.manual_seed(seed)


def run(x, y, seed, epochs=10):
    set_seed(seed)
    split = np.random.permutation(len(x))
    train, test = split[: -len(x) // 5], split[-len(x) // 5 :]
    loader = DataLoader(
        TensorDataset(x[train], y[train]), 32, shuffle=True, generator=torch.Generator().manual_seed(seed)
    )
    model = nn.Sequential(nn.Linear(x.shape[1], 50), nn.ReLU(), nn.Linear(50, 2))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for bx, by in loader:
            loss = nn.functional.cross_entropy(model(bx), by)
            opt.zero_grad()
            loss.backward()
            opt.step()
    with torch.no_grad():
        return (model(x[test]).argmax(1) == y[test]).float().mean().item()


def main():
    blob = torch.load("heart.pt")
    scores = []
    for seed in range(5):
        scores.append(run(blob["x"], blob["y"], seed))
        print(f"seed {seed}: {scores[-1]:.4f}")
    print(f"{statistics.mean(scores):.4f} +- {statistics.stdev(scores):.4f}")


if __name__ == "__main__":
    main()
