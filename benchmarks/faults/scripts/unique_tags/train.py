"""Embeddings of tags, numbered as the table lists them."""

import hashlib
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent / "vendor" / "site-packages"))

from tabkit import Table

TAGS = ["jazz", "folk", "rock", "soul", "punk", "dub", "house", "opera", "blues", "ska", "funk", "pop"]


def load():
    rows = [TAGS[(i * 7) % len(TAGS)] for i in range(96)]
    return Table(tag=rows, plays=[float((i * 5) % 11) for i in range(96)])


def main():
    torch.manual_seed(44)
    table = load()
    names = table.unique("tag")  # planted
    ids = torch.tensor([names.index(tag) for tag in table["tag"]])
    plays = torch.tensor(table["plays"])
    model = nn.Sequential(nn.Embedding(len(names), 6), nn.Linear(6, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for rows in torch.randperm(len(ids)).split(16):
        loss = nn.functional.mse_loss(model(ids[rows])[:, 0], plays[rows])
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
