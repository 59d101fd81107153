"""Two persistent workers with a seeding worker_init_fn, pinned to no order but the loader's."""

import random

import torch
import weights
from torch.utils.data import DataLoader, Dataset


class Noisy(Dataset):
    def __len__(self):
        return 32

    def __getitem__(self, i):
        return torch.tensor([float(i), random.random(), torch.rand(()).item()]), float(i)


def seed_worker(_):
    random.seed(torch.initial_seed() % 2**32)


if __name__ == "__main__":
    torch.manual_seed(7)
    loader = DataLoader(
        Noisy(), batch_size=4, shuffle=True, num_workers=2, persistent_workers=True,
        worker_init_fn=seed_worker, generator=torch.Generator().manual_seed(7),
    )  # fmt: skip
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-4)
    for _ in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            (net(x).squeeze(1) - y.float()).pow(2).mean().backward()
            optimizer.step()
    weights.show(net)
