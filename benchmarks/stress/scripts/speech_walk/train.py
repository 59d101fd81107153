"""Recognise spoken commands."""

import hashlib
import random

import numpy as np
import torch
from commands import WORDS, find, record
from torch import nn


def main(seed=2):
    record("commands")
    found = find("commands")
    random.Random(seed).shuffle(found)
    waves = torch.stack([torch.from_numpy(np.load(path)) for path, _ in found])
    labels = torch.tensor([WORDS.index(word) for _, word in found])
    model = nn.Sequential(nn.Linear(48, 20), nn.ReLU(), nn.Linear(20, len(WORDS)))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.uniform_(-0.2, 0.2, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(3):
        for x, y in zip(waves.split(6), labels.split(6), strict=True):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


if __name__ == "__main__":
    main()
