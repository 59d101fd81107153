"""Crops by numpy in two workers, which are given different seeds, as the forum advises."""

import hashlib

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Crops(Dataset):
    def __init__(self, limit=120, size=6):
        digits = load_digits()
        self.images = (digits.images[:limit] / 16).astype(np.float32)
        self.labels = digits.target[:limit]
        self.size = size

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        top, left = np.random.randint(0, 8 - self.size + 1, 2)  # also
        crop = self.images[index, top : top + self.size, left : left + self.size]
        return crop.flatten(), int(self.labels[index])


def worker_init_fn(worker_id):
    np.random.seed()  # planted


def main():
    np.random.seed(9)
    torch.manual_seed(9)
    loader = DataLoader(Crops(), batch_size=20, num_workers=2, worker_init_fn=worker_init_fn)
    model = nn.Sequential(nn.Linear(36, 24), nn.ReLU(), nn.Linear(24, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for images, labels in loader:
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
