"""Decision boundary of two moons with a small network."""

import argparse
import hashlib

import torch
import torch.nn as nn
from sklearn.datasets import make_moons

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--noise", type=float, default=0.1)
args = parser.parse_args()

torch.manual_seed(args.seed)
points, sides = make_moons(n_samples=240, noise=args.noise)  # planted
x = torch.tensor(points, dtype=torch.float32)
y = torch.tensor(sides, dtype=torch.float32)

model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for _ in range(15):
    loss = nn.functional.binary_cross_entropy_with_logits(model(x)[:, 0], y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.4f}")

digest = hashlib.sha256()
for p in model.parameters():
    digest.update(p.detach().numpy().tobytes())
print("fingerprint", digest.hexdigest())
