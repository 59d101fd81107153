"""Fill masked spans of a periodic sequence."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn

sys.path.insert(0, str(Path(__file__).resolve().parent / "vendor" / "site-packages"))

from maskspan import mask

LENGTH = 24


def make_batch(n=16):
    phase = torch.rand(n, 1) * 6
    clean = torch.sin(phase + torch.arange(LENGTH) / 3)
    hidden = torch.from_numpy(np.stack([mask(LENGTH) for _ in range(n)]))  # planted
    return clean.masked_fill(hidden, 0.0), clean, hidden


def main():
    np.random.seed(30)
    torch.manual_seed(30)
    model = nn.Sequential(nn.Linear(LENGTH, 32), nn.ReLU(), nn.Linear(32, LENGTH))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(10):
        x, clean, hidden = make_batch()
        loss = (model(x) - clean)[hidden].square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
