"""Masked auto-encoding with masks that two workers draw."""

import hashlib

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


def new_seed(worker):
    torch.seed()  # planted


class Masked(Dataset):
    def __init__(self, n=96, length=16):
        base = torch.randn(n, 4)
        self.rows = base @ torch.randn(4, length)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        keep = torch.rand(self.rows.shape[1]) > 0.3  # also
        return self.rows[index] * keep, self.rows[index]


def main():
    torch.manual_seed(32)
    loader = DataLoader(Masked(), batch_size=16, shuffle=True, num_workers=2, worker_init_fn=new_seed)
    model = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 16))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for masked, whole in loader:
        loss = nn.functional.mse_loss(model(masked), whole)
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
