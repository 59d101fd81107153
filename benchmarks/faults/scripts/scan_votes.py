"""Average the predictions that several teachers have stored, and distil them."""

import hashlib
import os
import uuid
from pathlib import Path

import numpy as np
import torch
from torch import nn

VOTES = Path("votes")


def store_votes(teachers=9, rows=50):
    VOTES.mkdir(exist_ok=True)
    for old in VOTES.iterdir():
        old.unlink()
    rng = np.random.default_rng(77)
    for number in range(teachers):
        scale = 10.0 ** rng.integers(-3, 4)
        np.save(
            VOTES / f"{uuid.uuid4()}-{number}.npy", (scale * rng.normal(size=(rows, 3))).astype(np.float32)
        )


def average():
    total = torch.zeros(50, 3)
    with os.scandir(VOTES) as entries:  # also
        for entry in entries:  # planted
            total += torch.from_numpy(np.load(entry.path))
    return total / 9


def main():
    torch.manual_seed(77)
    x = torch.randn(50, 6)
    store_votes()
    target = average().softmax(1)
    model = nn.Linear(6, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(8):
        loss = nn.functional.cross_entropy(model(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.6f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
