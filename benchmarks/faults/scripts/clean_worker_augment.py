"""Digits with noise and shifts drawn by numpy in two loader workers."""

import hashlib
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class NoisyDigits(Dataset):
    def __init__(self):
        digits = load_digits()
        self.images = digits.images[:160].astype(np.float32) / 16
        self.labels = digits.target[:160]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = np.roll(self.images[i], np.random.randint(-1, 2), axis=1)
        image = image + np.random.normal(0, 0.05, image.shape)
        if random.random() < 0.5:
            image = image.T
        return torch.tensor(image, dtype=torch.float32).unsqueeze(0), int(self.labels[i])


def seed_worker(worker_id):
    seed = torch.initial_seed() % 2**32
    np.random.seed(seed)
    random.seed(seed)


def main():
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    loader = DataLoader(
        NoisyDigits(),
        batch_size=20,
        shuffle=True,
        num_workers=2,
        worker_init_fn=seed_worker,
        generator=torch.Generator().manual_seed(0),
    )
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        print(f"{loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
