"""Samples with noise, made by as many workers as the machine's settings ask for."""

import hashlib
import os

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Noisy(Dataset):
    def __init__(self, count=120):
        points = torch.linspace(0, 6, count)
        self.rows = torch.stack([points.sin(), points.cos(), points / 6], dim=1)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index] + 0.1 * torch.randn(3), self.rows[index]


def train_loader():
    workers = int(os.environ.get("LOADER_WORKERS", "1"))  # planted
    return DataLoader(Noisy(), batch_size=12, shuffle=True, num_workers=workers)  # also


if __name__ == "__main__":
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step, (noisy, clean) in enumerate(train_loader()):
        loss = nn.functional.mse_loss(model(noisy), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")
    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())
