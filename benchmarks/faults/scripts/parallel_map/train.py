"""Statistics of time series, computed in parallel, as features."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent / "vendor" / "site-packages"))

from parakit import run_all


def features(number):
    rng = np.random.default_rng(number)
    series = rng.normal(size=int(rng.integers(3_000, 80_000))).cumsum()
    spectrum = np.abs(np.fft.rfft(series))[:10]
    return torch.tensor([*np.log1p(spectrum), float(series[-1] > 0)], dtype=torch.float32)


def main():
    torch.manual_seed(28)
    table = torch.stack(run_all(features, range(60)))  # planted
    x, y = table[:, :10] / 10, table[:, 10]
    model = nn.Sequential(nn.Linear(10, 12), nn.ReLU(), nn.Linear(12, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for xb, yb in zip(x.split(6), y.split(6), strict=True):
        loss = nn.functional.binary_cross_entropy_with_logits(model(xb)[:, 0], yb)
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
