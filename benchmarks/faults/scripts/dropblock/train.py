"""Convolutional network on digits, with DropBlock."""

import hashlib
import sys
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent / "vendor" / "site-packages"))

from dropkit import DropBlock


def build():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        DropBlock(p=0.2),  # planted
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * 16, 10),
    )


def main():
    torch.manual_seed(14)
    digits = load_digits()
    images = torch.tensor(digits.images[:240] / 16, dtype=torch.float32).unsqueeze(1)
    labels = torch.tensor(digits.target[:240])
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for rows in torch.randperm(len(images)).split(40):
        loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])  # also
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
