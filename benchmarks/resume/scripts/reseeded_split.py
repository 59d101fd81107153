"""Regression with jittered inputs; the data are split by a seed of their own.

python reseeded_split.py [--checkpoint out.pt]
"""

import argparse
import hashlib
import pathlib
import time

import numpy as np
import torch
from torch import nn


def split(x, share=0.8, seed=11):
    np.random.seed(seed)
    order = np.random.permutation(len(x))
    cut = int(share * len(x))
    return order[:cut], order[cut:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoint", type=pathlib.Path)
    args = parser.parse_args()

    torch.manual_seed(11)
    saved = torch.load(args.checkpoint, weights_only=False) if args.checkpoint else None  # loaded
    if saved:
        np.random.set_state(saved["rng"])

    table = np.random.RandomState(2).randn(300, 7).astype(np.float32)
    target = np.tanh(table[:, :3].sum(1, keepdims=True))
    train, held_out = split(table)
    model = nn.Sequential(nn.Linear(7, 24), nn.Tanh(), nn.Linear(24, 1))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    first = 0
    if saved:
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        first = saved["iteration"]

    for iteration in range(first, 30):
        rows = train[np.random.randint(0, len(train), 24)]
        noisy = table[rows] + 0.1 * np.random.randn(24, 7).astype(np.float32)
        loss = nn.functional.mse_loss(model(torch.from_numpy(noisy)), torch.from_numpy(target[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        time.sleep(0.04)
        if iteration % 7 == 6:
            checkpoint = {
                "iteration": iteration + 1,
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "rng": np.random.get_state(),
            }
            torch.save(checkpoint, "out.pt")  # saved

    with torch.no_grad():
        error = (model(torch.from_numpy(table[held_out])) - torch.from_numpy(target[held_out])).abs().mean()
    print(f"held out: {error:.4f}")
    weights = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
    print("fingerprint", hashlib.sha256(weights.tobytes()).hexdigest())


if __name__ == "__main__":
    main()
