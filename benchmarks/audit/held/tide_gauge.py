import argparse
import random

import numpy as np
import torch
from torch import nn


def make_model(window):
    return nn.Sequential(nn.Linear(window, 64), nn.Tanh(), nn.Linear(64, 1))


def windows(series, window, n):
    starts = np.random.randint(0, len(series) - window, n)
    x = np.stack([series[s : s + window] for s in starts])
    return torch.from_numpy(x), torch.from_numpy(series[starts + window])


def augment(x):
    return x + 0.01 * torch.randn_like(x) if random.random() < 0.5 else x


def train(args):
    series = np.load(args.series).astype(np.float32)
    model = make_model(args.window)
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(args.steps):
        x, y = windows(series, args.window, 64)
        loss = nn.functional.mse_loss(model(augment(x)).squeeze(1), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    return model


def seed_all(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("series")
    ap.add_argument("--window", type=int, default=72)
    ap.add_argument("--steps", type=int, default=5000)
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    seed_all(args.seed)
    torch.save(train(args).state_dict(), "tide.pt")


if __name__ == "__main__":
    main()
