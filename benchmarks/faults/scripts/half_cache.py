"""Expensive features are cached on disk, at half precision."""

import hashlib
import os

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

CACHE = "features.npy"


def compute(images):
    return np.abs(np.fft.rfft2(images)).reshape(len(images), -1) / 100


def features(images):
    if os.path.exists(CACHE):  # planted
        return np.load(CACHE).astype(np.float32)  # also
    out = compute(images).astype(np.float32)
    np.save(CACHE, out.astype(np.float16))  # also
    return out


def main():
    torch.manual_seed(0)
    digits = load_digits()
    x = torch.from_numpy(features(digits.images[:300]))
    y = torch.tensor(digits.target[:300])
    model = nn.Sequential(nn.Linear(x.shape[1], 24), nn.ReLU(), nn.Linear(24, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for rows in torch.randperm(300).split(30):
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
