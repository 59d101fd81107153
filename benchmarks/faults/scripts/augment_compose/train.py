"""Digits with a pipeline of augmentations."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset

sys.path.insert(0, str(Path(__file__).resolve().parent / "vendor" / "site-packages"))

import augkit

pipeline = augkit.Compose([augkit.Flip(p=0.5), augkit.Shift(limit=2), augkit.Invert(p=0.1)])


class Digits(Dataset):
    def __init__(self, transform, limit=192):
        digits = load_digits()
        self.images = digits.images[:limit].astype(np.float32) / 16
        self.labels = digits.target[:limit]
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.transform(self.images[index])  # planted
        return torch.from_numpy(image.copy()), int(self.labels[index])


def main():
    np.random.seed(21)
    torch.manual_seed(21)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for images, labels in DataLoader(Digits(pipeline), batch_size=32, shuffle=True):
        loss = nn.functional.cross_entropy(model(images), labels)
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
