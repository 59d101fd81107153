import random

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


class Songs(Dataset):
    def __init__(self, paths, train, species=None):
        self.paths = paths
        self.train = train
        self.species = species or sorted({p.parent.name for p in paths})

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        mel = np.load(self.paths[i])
        start = random.randrange(mel.shape[1] - 127) if self.train else 0
        mel = mel[:, start : start + 128]
        return torch.from_numpy(mel).float(), self.species.index(self.paths[i].parent.name)


def make_loader(data, batch_size, seed=None):
    if seed is None:
        return DataLoader(data, batch_size=batch_size, num_workers=2)
    g = torch.Generator().manual_seed(seed)
    return DataLoader(data, batch_size=batch_size, shuffle=True, num_workers=2, generator=g)
