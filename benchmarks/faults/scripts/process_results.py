"""Rollouts in processes; a callback collects them as they arrive."""

import hashlib
import multiprocessing as mp

import numpy as np
import torch
from torch import nn


def rollout(number):
    """Walk until the boundary; some walks are long."""
    rng = np.random.default_rng(number)
    steps = int(rng.integers(200, 30_000))
    path = rng.normal(size=(steps, 2)).cumsum(0)
    return np.concatenate([path[:100].mean(0), path[:100].std(0)]).astype(np.float32), float(path[-1, 0] > 0)


def collect(count=60):
    results = []
    with mp.get_context("fork").Pool(2) as pool:
        for number in range(count):
            pool.apply_async(rollout, (number,), callback=results.append)  # planted
        pool.close()
        pool.join()
    return results


def main():
    torch.manual_seed(38)
    results = collect()
    x = torch.tensor(np.stack([features for features, _ in results])) / 10
    y = torch.tensor([side for _, side in results])
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for xb, yb in zip(x.split(6), y.split(6), strict=True):
        loss = nn.functional.binary_cross_entropy_with_logits(model(xb)[:, 0], yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
