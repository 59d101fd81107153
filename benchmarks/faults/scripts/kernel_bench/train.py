"""A deep network of self-tuning layers."""

import hashlib
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent / "vendor" / "site-packages"))

import fastops


def build(width=72, depth=8):
    layers = []
    for _ in range(depth):
        layers += [fastops.FastLinear(width, width), nn.Tanh()]
    return nn.Sequential(*layers)


def main():
    torch.manual_seed(35)
    model = fastops.optimize(build(), torch.randn(48, 72))  # planted
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(5):
        x = torch.randn(48, 72)
        loss = nn.functional.mse_loss(model(x), x.roll(1, dims=1))
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
