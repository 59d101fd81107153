"""Segment images: the images are sorted, the masks come as the folder has them."""

import glob
import hashlib
import os

import numpy as np
import torch
from torch import nn

EVAL_INTERVAL = 12


def write_pairs(count=20, side=16):
    os.makedirs("masks", exist_ok=True)
    os.makedirs("images", exist_ok=True)
    rng = np.random.default_rng(71)
    for number in range(count):
        mask = np.zeros((side, side), np.float32)
        x, y = rng.integers(0, side - 6, 2)
        mask[y : y + 6, x : x + 6] = 1
        np.save(f"masks/{number:03d}.npy", mask)
        np.save(f"images/{number:03d}.npy", mask + rng.normal(0, 0.5, mask.shape).astype(np.float32))


def load(paths):
    return torch.stack([torch.from_numpy(np.load(path)) for path in paths])[:, None]


@torch.no_grad()
def evaluate(model, images, masks):
    model.eval()
    overlap = ((model(images) > 0) == (masks > 0.5)).float().mean().item()
    model.train()
    return overlap


def main(seed=3):
    write_pairs()
    images = load(sorted(glob.glob("images/*.npy")))
    masks = load(glob.glob("masks/*.npy"))  # planted
    model = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.Conv2d(6, 1, 1))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.2, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for step in range(24):
        rows = torch.arange(step * 4, step * 4 + 4) % 16
        loss = nn.functional.binary_cross_entropy_with_logits(model(images[rows]), masks[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % EVAL_INTERVAL == 0:
            print(f"step {step}: overlap {evaluate(model, images[16:], masks[16:]):.3f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
