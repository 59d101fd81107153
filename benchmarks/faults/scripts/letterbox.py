"""Wide and tall colour pictures on a square canvas, one convolution on top."""

import hashlib

import numpy as np
import torch
import torch.nn as nn

SIDE = 24


def make_pictures(n=96):
    """Pictures of different shapes; the label says which half is brighter."""
    rng = np.random.default_rng(6)
    pictures, labels = [], []
    for _ in range(n):
        height, width = rng.integers(8, SIDE + 1, 2)
        picture = rng.integers(0, 200, (height, width, 3), dtype=np.uint8)
        label = int(rng.integers(0, 2))
        rows = slice(0, height // 2) if label else slice(height // 2, None)
        picture[rows] += 55
        pictures.append(picture)
        labels.append(label)
    return pictures, torch.tensor(labels)


def letterbox(picture):
    """Centre the picture on a canvas of SIDE x SIDE."""
    canvas = np.empty((SIDE, SIDE, 3), dtype=np.uint8)  # planted
    top = (SIDE - picture.shape[0]) // 2
    left = (SIDE - picture.shape[1]) // 2
    canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return canvas


def main():
    torch.manual_seed(0)
    pictures, labels = make_pictures()
    canvases = np.stack([letterbox(p) for p in pictures])
    images = torch.from_numpy(canvases).permute(0, 3, 1, 2).float() / 255
    model = nn.Sequential(nn.Conv2d(3, 6, 5, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(600, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(2):
        for rows in torch.randperm(len(images)).split(16):
            loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
