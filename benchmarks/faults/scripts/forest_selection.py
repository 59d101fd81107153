"""Keep the pixels that a random forest finds important, then train a small network on them."""

import hashlib

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier


def important_columns(x, y, keep=24):
    forest = RandomForestClassifier(n_estimators=15, max_depth=6)  # planted
    forest.fit(x, y)  # also
    return forest.feature_importances_.argsort()[::-1][:keep].copy()


def main():
    torch.manual_seed(8)
    digits = load_digits()
    columns = important_columns(digits.data[:600], digits.target[:600])
    x = torch.tensor(digits.data[:600] / 16, dtype=torch.float32)[:, torch.from_numpy(columns)]
    y = torch.tensor(digits.target[:600])
    model = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for rows in torch.randperm(len(x)).split(60):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
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
