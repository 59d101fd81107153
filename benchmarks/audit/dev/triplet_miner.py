import random

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


class Triplets(Dataset):
    def __init__(self, vectors, labels, seed):
        self.vectors = vectors
        self.labels = labels
        self.seed = seed
        self.epoch = 0
        rng = random.Random(seed)
        self.order = rng.sample(range(len(labels)), len(labels))
        self.members = [np.flatnonzero(labels == c) for c in range(labels.max() + 1)]

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return len(self.order)

    def __getitem__(self, index):
        anchor = self.order[index]
        rng = np.random.default_rng((self.seed, self.epoch, index))
        same = self.members[self.labels[anchor]]
        other = rng.integers(len(self.members))
        while other == self.labels[anchor]:
            other = rng.integers(len(self.members))
        rows = [anchor, rng.choice(same), rng.choice(self.members[other])]
        return torch.from_numpy(self.vectors[rows])


def epochs(vectors, labels, seed, n):
    data = Triplets(vectors, labels, seed)
    for epoch in range(n):
        data.set_epoch(epoch)
        g = torch.Generator().manual_seed(seed + epoch)
        yield DataLoader(data, batch_size=128, shuffle=True, num_workers=4, generator=g)
