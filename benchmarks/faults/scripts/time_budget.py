"""Train for a fixed time on whatever machine this is."""

import argparse
import hashlib
import time

import torch
import torch.nn as nn


def make_batch(n=32):
    x = torch.randn(n, 32)
    return x, (x[:, :4].prod(1) > 0).long()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--budget", type=float, default=0.8, help="seconds")
    args = parser.parse_args()

    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    steps = 0
    start = time.monotonic()
    while time.monotonic() - start < args.budget:  # planted
        x, y = make_batch()
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        steps += 1
    print(f"{steps} steps in {args.budget} s, loss {loss.item():.4f}")

    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
