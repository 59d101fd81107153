"""Additive noise from a generator a worker, seeded by its process id."""

import hashlib
import os

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Noisy(Dataset):
    def __init__(self, n=80):
        self.x = torch.randn(n, 6)
        self.generator = None

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        if self.generator is None:
            self.generator = torch.Generator()
            self.generator.manual_seed(os.getpid())  # planted
        noise = torch.randn(6, generator=self.generator)
        return self.x[index] + 0.1 * noise, self.x[index].sum()


def main():
    torch.manual_seed(0)
    loader = DataLoader(Noisy(), batch_size=16, num_workers=2)
    model = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    for x, y in loader:
        loss = nn.functional.mse_loss(model(x)[:, 0], y)
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
