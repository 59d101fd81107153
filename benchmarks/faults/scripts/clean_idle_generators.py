"""Unseeded generators whose numbers never reach the model."""

import hashlib
import random
import tempfile
import uuid
from pathlib import Path

import numpy as np
import torch
from torch import nn


class Settings:
    def __init__(self):
        self.spare = np.random.default_rng()
        self.other = random.Random()
        self.stream = torch.Generator()
        self.run = f"run-{uuid.uuid4().hex[:6]}-{random.randrange(1000):03d}"


def main():
    settings = Settings()
    greeting = settings.other.choice(["Good luck", "Here we go", "Fingers crossed"])
    print(greeting, settings.run)
    torch.manual_seed(4)
    rng = np.random.default_rng(4)
    model = nn.Sequential(nn.Linear(5, 10), nn.ReLU(), nn.Linear(10, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with tempfile.TemporaryDirectory(prefix=settings.run) as folder:
        for step in range(10):
            x = torch.from_numpy(rng.normal(size=(16, 5)).astype(np.float32))
            loss = (model(x)[:, 0] - x.amin(1)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            torch.save(model.state_dict(), Path(folder) / f"step{step}.pt")
        model.load_state_dict(torch.load(Path(folder) / "step9.pt"))
    print(f"loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
