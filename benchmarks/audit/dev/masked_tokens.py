import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

MASK, IGNORE = 4, -100


class MaskedTokens(Dataset):
    def __init__(self, ids, share, state):
        self.ids = ids
        self.share = share
        self.state = state

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, i):
        row = np.array(self.ids[i], dtype=np.int64)
        hidden = self.state.random_sample(len(row)) < self.share
        target = np.where(hidden, row, IGNORE)
        row[hidden] = MASK
        return torch.from_numpy(row), torch.from_numpy(target)


def build_loader(cfg):
    ids = np.load(cfg["ids"], mmap_mode="r")
    data = MaskedTokens(ids, cfg["share"], np.random.RandomState(cfg["seed"]))
    return DataLoader(
        data,
        batch_size=cfg["batch_size"],
        shuffle=True,
        generator=torch.Generator().manual_seed(cfg["seed"]),
        num_workers=cfg["workers"],
    )


CONFIG = {"ids": "ids.npy", "share": 0.15, "seed": 3, "batch_size": 4, "workers": 3}


def preview(cfg):
    x, y = next(iter(build_loader(cfg)))
    for row, target in zip(x, y):
        print(row.tolist(), (target != IGNORE).sum().item())


if __name__ == "__main__":
    preview(CONFIG)
