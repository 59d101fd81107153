"""Store each run in a folder with a friendly name that is not taken yet."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import nn

ARCHIVE = Path("archive")
ADJECTIVES = ["amber", "brisk", "calm", "dusty"]
ANIMALS = ["heron", "ibex", "jackal", "koala"]


def new_folder():
    while True:
        name = f"{np.random.choice(ADJECTIVES)}-{np.random.choice(ANIMALS)}"  # planted
        folder = ARCHIVE / name
        if not folder.exists():  # also
            folder.mkdir(parents=True)
            return folder


def main():
    np.random.seed(0)
    torch.manual_seed(0)
    folder = new_folder()
    model = nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(10):
        x = torch.from_numpy(np.random.rand(20, 4).astype(np.float32))
        loss = (model(x)[:, 0] - x.prod(1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.save(model.state_dict(), folder / "weights.pt")
    print(f"{folder}: loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
