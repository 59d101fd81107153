"""A stream of records that workers share among themselves, each taking every n-th file."""

import hashlib

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

FILES = 12


class Records(IterableDataset):
    def __init__(self, epoch=0):
        self.epoch = epoch

    def __iter__(self):
        files = np.random.default_rng([44, self.epoch]).permutation(FILES)
        info = get_worker_info()
        if info is not None:
            files = files[info.id :: info.num_workers]  # planted
        for file in files:
            rows = np.random.default_rng([45, int(file)]).standard_normal((20, 5), dtype=np.float32)
            yield from rows + np.float32(file) / FILES


def main():
    model = nn.Sequential(nn.Linear(4, 12), nn.Tanh(), nn.Linear(12, 1))
    generator = torch.Generator().manual_seed(46)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.4, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(2):
        for rows in DataLoader(Records(epoch), batch_size=24, num_workers=2):
            loss = nn.functional.mse_loss(model(rows[:, :4]), rows[:, 4:])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


if __name__ == "__main__":
    main()
