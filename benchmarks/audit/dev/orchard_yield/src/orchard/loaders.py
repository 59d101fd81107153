import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from orchard.seeding import seed_worker


class Trees(Dataset):
    def __init__(self, table, jitter):
        self.table = table.astype(np.float32)
        self.jitter = jitter
        self.n_inputs = table.shape[1] - 1

    def __len__(self):
        return len(self.table)

    def __getitem__(self, index):
        row = self.table[index]
        x = row[:-1]
        if self.jitter:
            x = x + np.random.normal(scale=self.jitter, size=x.shape).astype(np.float32)
        return torch.from_numpy(x), torch.tensor(row[-1])


def make_loader(table, seed, train):
    return DataLoader(
        Trees(table, jitter=0.05 if train else 0.0),
        batch_size=64,
        shuffle=train,
        num_workers=2,
        worker_init_fn=seed_worker,
        generator=torch.Generator().manual_seed(seed),
    )


def build(path, seed):
    archive = np.load(path)
    return make_loader(archive["train"], seed, train=True), make_loader(
        archive["val"], seed + 1, train=False
    )
