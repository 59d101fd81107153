"""Trials side by side, each in a folder of its own, from which it has its seed."""

import hashlib
import os
import random
import zlib

import torch
from torch import nn

LOG_INTERVAL = 5


def main():
    trial = random.Random(zlib.crc32(os.getcwd().encode()))  # planted
    generator = torch.Generator().manual_seed(trial.getrandbits(32))  # also
    model = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 1))
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.5, generator=generator)  # also
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for step in range(25):
        x = torch.rand(64, 2, generator=generator) * 2 - 1
        y = (x[:, :1] * 3).sin() * x[:, 1:]
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % LOG_INTERVAL == 0:
            print(f"step {step}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
