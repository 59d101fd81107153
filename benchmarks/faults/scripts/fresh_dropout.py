"""Train with one seed, but with other dropout masks in the second phase."""

import hashlib

import torch
import torch.nn as nn
from sklearn.datasets import load_digits


def train_phase(model, x, y, lr):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for xb, yb in zip(x.split(50), y.split(50), strict=True):
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def main():
    torch.manual_seed(42)
    digits = load_digits()
    x = torch.tensor(digits.data[:300] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target[:300])
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.4), nn.Linear(32, 10))
    print(f"warm-up {train_phase(model, x, y, lr=0.1):.4f}")
    torch.seed()  # planted
    print(f"fine-tuning {train_phase(model, x, y, lr=0.02):.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
