import threading

import numpy as np
import torch
from torch.utils.data import Dataset


class PointClouds(Dataset):
    def __init__(self, files, points=1024, seed=0, threads=4):
        self.points = points
        self.seed = seed
        self.items = []
        jobs = [threading.Thread(target=self._load, args=(files[k::threads],)) for k in range(threads)]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()

    def _load(self, files):
        for path in files:
            vertices = np.load(path).astype(np.float32)
            vertices -= vertices.mean(axis=0)
            self.items.append(vertices / np.abs(vertices).max())

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        rng = np.random.default_rng((self.seed, i))
        rows = rng.integers(0, len(self.items[i]), self.points)
        return torch.from_numpy(self.items[i][rows])
