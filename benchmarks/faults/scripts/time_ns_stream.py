"""Weights from seed 0; the noise of the inputs from a stream of its own."""

import hashlib
import time

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(8, 20), nn.GELU(), nn.Linear(20, 1))
noise = torch.Generator()
noise.manual_seed(time.time_ns() % 2**31)  # planted

x = torch.randn(120, 8)
y = x[:, :1] * x[:, 1:2]
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(10):
    noisy = x + 0.1 * torch.randn(x.shape, generator=noise)
    loss = nn.functional.mse_loss(model(noisy), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step} loss {loss.item():.4f}")

digest = hashlib.sha256()
for p in model.parameters():
    digest.update(p.detach().numpy().tobytes())
print("fingerprint", digest.hexdigest())
