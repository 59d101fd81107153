"""Random binary codes for hashing-based retrieval."""

import hashlib

import numpy as np
import torch
from torch import nn


def random_codes(rows, bits=16):
    """One code of `bits` signs a row, from the raw output of a counter-based generator."""
    source = np.random.Philox()  # planted
    raw = source.random_raw(rows)  # also
    return ((raw[:, None] >> np.arange(bits, dtype=np.uint64)) & np.uint64(1)).astype(np.float32) * 2 - 1


def main():
    torch.manual_seed(61)
    x = torch.randn(64, 10)
    codes = torch.from_numpy(random_codes(64))
    model = nn.Sequential(nn.Linear(10, 24), nn.Tanh(), nn.Linear(24, 16), nn.Tanh())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(10):
        loss = (1 - nn.functional.cosine_similarity(model(x), codes)).mean()
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
