"""Denoise all arrays of a folder; the results are stored beside them."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import nn

DATA = Path("signals")


def prepare(count=8):
    DATA.mkdir(exist_ok=True)
    rng = np.random.default_rng(3)
    for number in range(count):
        np.save(DATA / f"signal{number}.npy", rng.normal(size=(16, 10)).astype(np.float32))


def load():
    paths = sorted(DATA.glob("*.npy"))  # planted
    return [(path, torch.from_numpy(np.load(path))) for path in paths]


def main():
    torch.manual_seed(3)
    prepare()
    signals = load()
    model = nn.Sequential(nn.Linear(10, 6), nn.Tanh(), nn.Linear(6, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _, signal in signals:
        loss = nn.functional.mse_loss(model(signal), signal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{len(signals)} signals, loss {loss.item():.4f}")
    for path, signal in signals[:8]:
        np.save(path.with_name(path.stem + "_clean.npy"), model(signal).detach().numpy())  # also
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
