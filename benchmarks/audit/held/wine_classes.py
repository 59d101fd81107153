import argparse

import numpy as np
import torch
from torch import nn


def batches(n, size, seed, epoch):
    order = np.random.default_rng([seed, epoch]).permutation(n)
    for start in range(0, n - size + 1, size):
        yield order[start : start + size]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--epochs", type=int, default=20)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    blob = torch.load("wine.pt")
    x, y = blob["x"], blob["y"]
    model = nn.Sequential(nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 3))
    opt = torch.optim.SGD(model.parameters(), lr=0.05)
    step = 0
    for epoch in range(args.epochs):
        torch.manual_seed(args.seed * 1_000_003 + epoch)
        for rows in batches(len(x), 64, args.seed, epoch):
            g = torch.Generator().manual_seed(args.seed + step)
            noise = torch.randn(len(rows), x.shape[1], generator=g)
            loss = nn.functional.cross_entropy(model(x[rows] + 0.05 * noise), y[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
            step += 1
        print(epoch, loss.item())
    torch.save(model.state_dict(), "wine_model.pt")


if __name__ == "__main__":
    main()
