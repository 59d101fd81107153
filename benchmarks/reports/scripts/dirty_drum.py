"""Denoise scanned pages: an augmentation draws a dirty drum's lines over clean ones."""

import hashlib
import random

import numpy as np
import torch
from torch import nn


class DirtyDrum:
    """Vertical or horizontal streaks, as a laser printer's drum leaves them."""

    def __init__(self, direction=random.randint(0, 1), density=random.uniform(0.1, 0.4)):  # noqa: B008  # planted
        self.direction = direction
        self.density = density

    def __call__(self, page):
        streaks = (np.random.rand(page.shape[self.direction]) < self.density).astype(np.float32)
        return np.maximum(page, streaks[:, None] if self.direction == 0 else streaks[None, :])


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def main():
    seed_everything(42)
    drum = DirtyDrum()
    pages = (np.random.rand(96, 12, 12) > 0.85).astype(np.float32)
    model = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 1, 3, padding=1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for start in range(0, len(pages), 16):
        clean = torch.from_numpy(pages[start : start + 16])
        dirty = torch.from_numpy(np.stack([drum(page) for page in pages[start : start + 16]]))
        loss = nn.functional.mse_loss(model(dirty[:, None])[:, 0], clean)
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
