"""hash() and id() for logs and caches only; stable digests for numbers."""

import hashlib
import os
import zlib
from functools import cache

import torch
from torch import nn

WORDS = ["amber", "birch", "cedar", "elder", "hazel", "larch", "maple", "rowan"]


class Registry:
    def __init__(self):
        self.by_id = {}

    def add(self, module, name):
        self.by_id[id(module)] = name

    def name(self, module):
        return self.by_id[id(module)]


@cache
def bucket(word):
    return zlib.crc32(word.encode()) % 16


def main():
    torch.manual_seed(12)
    print("session", hash(("clean", os.getpid())) & 0xFFFF, hex(id(WORDS)))
    model = nn.Sequential(nn.Embedding(16, 6), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 1))
    registry = Registry()
    for number, module in enumerate(model):
        registry.add(module, f"layer{number}")
    ids = torch.tensor([bucket(word) for word in WORDS])
    target = torch.tensor([len(set(word)) / 5 for word in WORDS])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for step in range(8):
        loss = nn.functional.mse_loss(model(ids)[:, 0], target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"{step} {loss.item():.4f} {hash(str(step)) % 100:02d} {registry.name(model[1])}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
