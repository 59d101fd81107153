import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from .seeding import seed_worker


class Rows(Dataset):
    def __init__(self, path, noise=0.01):
        table = np.load(path).astype(np.float32)
        self.x, self.y, self.noise = table[:, :-1], table[:, -1], noise

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = self.x[i] + self.noise * np.random.standard_normal(self.x.shape[1]).astype(np.float32)
        return torch.from_numpy(x), self.y[i]


def build_loader(path, batch_size, seed, rank):
    data = Rows(path)
    sampler = DistributedSampler(data, seed=seed)
    generator = torch.Generator().manual_seed(seed * 10_007 + rank)
    loader = DataLoader(
        data,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=2,
        worker_init_fn=seed_worker,
        generator=generator,
    )
    return sampler, loader
