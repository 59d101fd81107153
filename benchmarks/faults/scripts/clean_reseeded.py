"""Entropy at the start, and then everything is seeded before it is used."""

import hashlib
import os
import random
import secrets
import time

import numpy as np
import torch
from torch import nn

torch.seed()
random.seed(time.time_ns())
np.random.seed(int.from_bytes(os.urandom(4), "little"))
TOKEN = secrets.token_hex(4)


def fix_seeds(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def main():
    print("token", TOKEN)
    nn.Linear(3, 3)  # draws, and is thrown away
    fix_seeds(15)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for step in range(10):
        order = random.sample(range(4), 4)
        x = torch.from_numpy(np.random.rand(20, 4).astype(np.float32))[:, order]
        loss = (model(x)[:, 0] - x.sum(1)).square().mean()
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
