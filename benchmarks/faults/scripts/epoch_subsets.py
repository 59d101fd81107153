"""Each epoch trains on another half of the data."""

import hashlib
import random

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_wine

random.seed(0)
np.random.seed(0)
torch.manual_seed(0)

wine = load_wine()
scaled = (wine.data - wine.data.mean(0)) / wine.data.std(0)
x = torch.tensor(scaled, dtype=torch.float32)
y = torch.tensor(wine.target)

model = nn.Sequential(nn.Linear(13, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(6):
    rng = np.random.default_rng()  # planted
    half = rng.choice(len(x), len(x) // 2, replace=False)  # also
    loss = nn.functional.cross_entropy(model(x[half]), y[half])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")

digest = hashlib.sha256()
for p in model.parameters():
    digest.update(p.detach().numpy().tobytes())
print("fingerprint", digest.hexdigest())
