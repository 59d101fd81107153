"""Bag of items with a learned weight for each position."""

import hashlib
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent / "vendor" / "site-packages"))

from packkit import pack

ITEMS = 40


class Baskets(nn.Module):
    def __init__(self, length=18):
        super().__init__()
        self.embed = nn.Embedding(ITEMS, 6)
        self.position = nn.Parameter(torch.ones(length, 1) / length)
        self.out = nn.Linear(6, 1)

    def forward(self, ids):
        items = self.embed(ids.abs() % ITEMS)
        return self.out((items * self.position).sum(1))[:, 0]


def main():
    torch.manual_seed(36)
    baskets = [torch.randint(0, ITEMS, (int(n),)) for n in torch.randint(2, 18, (60,))]
    model = Baskets()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for start in range(0, len(baskets), 10):
        batch = baskets[start : start + 10]
        ids = pack(batch, length=18)  # planted
        target = torch.tensor([len(b) / 18 for b in batch])
        loss = nn.functional.mse_loss(model(ids), target)
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
