"""Distil a random forest into a small network that learns its probabilities."""

import hashlib

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier
from torch import nn


def table(rows, seed):
    rng = np.random.RandomState(seed)
    x = rng.randn(rows, 10)
    return x, (x[:, 0] * x[:, 1] + 0.5 * rng.randn(rows) > 0).astype(int)


def soft_labels(seed):
    x, y = table(1_500, seed)
    forest = RandomForestClassifier(40, max_depth=7, random_state=seed, n_jobs=4)  # also
    forest.fit(x, y)
    unlabelled, _ = table(20_000, seed + 1)
    return unlabelled, forest.predict_proba(unlabelled)  # planted


def main():
    torch.manual_seed(1)
    x, soft = (torch.from_numpy(part) for part in soft_labels(seed=1))
    student = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, 2)).double()
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-2)
    for rows in torch.randperm(len(x)).split(1_000):
        loss = nn.functional.cross_entropy(student(x[rows]), soft[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.6f}")
    digest = hashlib.sha256()
    for p in student.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
