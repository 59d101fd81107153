"""Contrastive learning on random crops of series.  The state is a pickle."""

import hashlib
import pickle
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

STATE = Path("state.pkl")


class Crops:
    """Two views of each series of a batch."""

    def __init__(self, series, length, seed):
        self.series = series
        self.length = length
        self.rng = np.random.default_rng(seed)

    def view(self, rows):
        starts = self.rng.integers(0, self.series.shape[1] - self.length, len(rows))
        crops = [self.series[row, at : at + self.length] for row, at in zip(rows, starts, strict=True)]
        return torch.tensor(np.stack(crops))

    def batch(self, step, size=24):
        rows = [(step * size + i) % len(self.series) for i in range(size)]
        return self.view(rows), self.view(rows)


def loss_of(a, b):
    logits = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / 0.2
    return F.cross_entropy(logits, torch.arange(len(a)))


torch.manual_seed(0)
np.random.seed(0)
series = np.random.randn(96, 60).cumsum(1).astype(np.float32) / 5
crops = Crops(series, 32, seed=0)
encoder = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 8))
optimizer = torch.optim.SGD(encoder.parameters(), lr=0.05, momentum=0.9, nesterov=True)
step = 0
if STATE.exists():
    with STATE.open("rb") as file:
        state = pickle.load(file)  # loaded
    encoder.load_state_dict(state["encoder"])
    optimizer.load_state_dict(state["optimizer"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    step = state["step"]

while step < 27:
    a, b = crops.batch(step)
    loss = loss_of(encoder(a), encoder(b))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    step += 1
    time.sleep(0.06)
    if step % 5 == 0:
        state = {"step": step, "encoder": encoder.state_dict(), "optimizer": optimizer.state_dict()}
        state["numpy"], state["torch"] = np.random.get_state(), torch.get_rng_state()
        with STATE.open("wb") as file:
            pickle.dump(state, file)  # saved

digest = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in encoder.parameters()))
print("fingerprint", digest.hexdigest())
