"""Four threads augment images; all draw from one numpy generator."""

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits


class Augmenter:
    def __init__(self, images, seed):
        self.images = images
        self.rng = np.random.default_rng(seed)  # also

    def __call__(self, index):
        time.sleep(0.001)  # the image comes from a disk
        shift = self.rng.integers(-2, 3, 2)  # planted
        noise = self.rng.normal(0, 0.1, (8, 8))  # also
        return np.roll(self.images[index], shift, axis=(0, 1)) + noise


def main():
    torch.manual_seed(13)
    digits = load_digits()
    augment = Augmenter(digits.images[:160] / 16, seed=13)
    with ThreadPoolExecutor(4) as pool:
        images = list(pool.map(augment, range(160)))  # also
    x = torch.tensor(np.stack(images), dtype=torch.float32)
    y = torch.tensor(digits.target[:160])
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for rows in torch.randperm(160).split(32):
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
