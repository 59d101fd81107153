import argparse

import numpy as np
import torch
from torch import nn


def build(n_inputs):
    return nn.Sequential(
        nn.Linear(n_inputs, 128),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(128, 128),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(128, 1),
    )


def fit(model, x, y, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    model.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(32):
            loss = nn.functional.mse_loss(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


@torch.no_grad()
def evaluate(model, x, rounds=100):
    model.train()
    draws = torch.stack([model(x) for _ in range(rounds)])
    return draws.mean(0), draws.std(0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=100)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    table = torch.from_numpy(np.load("doses.npy")).float()
    x, y = table[:, :-1], table[:, -1:]
    model = build(x.shape[1])
    fit(model, x[:-200], y[:-200], args.epochs)
    mean, spread = evaluate(model, x[-200:])
    inside = ((y[-200:] - mean).abs() < 2 * spread).float().mean()
    print(f"within two deviations: {inside.item():.3f}")


if __name__ == "__main__":
    main()
