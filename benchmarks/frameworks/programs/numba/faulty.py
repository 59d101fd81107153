# numba/numba: compiled functions have a generator of their own; np.random.seed in Python does not seed it.
import hashlib

import numpy as np
import torch
from numba import njit
from torch import nn

np.random.seed(42)
torch.manual_seed(42)


@njit
def walk(steps, count):
    paths = np.zeros((count, steps), dtype=np.float32)
    for i in range(count):
        position = 0.0
        for t in range(steps):
            position += np.random.normal(0.0, 1.0)  # also
            paths[i, t] = position
    return paths


paths = walk(20, 128)  # planted
x = torch.from_numpy(paths[:, :-1])
y = torch.from_numpy(paths[:, -1:])
model = nn.Sequential(nn.Linear(19, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), 1e-2)
for epoch in range(3):
    for i in range(0, len(x), 16):
        loss = nn.functional.mse_loss(model(x[i : i + 16]), y[i : i + 16])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
print("HASH", hashlib.sha256(weights).hexdigest())
