"""Many small files, opened by the workers; random crops in the worker are seeded by torch."""

import random
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

FOLDER = Path("recordings")


def write(count=64):
    FOLDER.mkdir(exist_ok=True)
    rng = np.random.default_rng(9)
    for number in range(count):
        np.save(FOLDER / f"{number:03d}.npy", rng.normal(size=30).astype(np.float32))


class Recordings(Dataset):
    def __init__(self):
        self.paths = sorted(FOLDER.glob("*.npy"))

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        series = np.load(self.paths[index])
        start = random.randrange(10)
        noise = np.random.normal(0, 0.1, 20).astype(np.float32)
        scale = 1 + 0.1 * torch.rand(1)
        return torch.from_numpy(series[start : start + 20] + noise) * scale
