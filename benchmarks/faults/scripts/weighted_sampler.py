"""Rare classes drawn more often with a weighted sampler, on a generator of its own."""

import hashlib

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler


def make_data():
    source = torch.Generator().manual_seed(1)
    x = torch.randn(220, 5, generator=source)
    return TensorDataset(x, (x[:, 0] + x[:, 1] > 1.5).long())


def make_sampler(data):
    labels = data.tensors[1]
    weights = (1.0 / labels.bincount().float())[labels]
    stream = torch.Generator()
    print("sampler seed", stream.seed() % 1000)  # planted
    return WeightedRandomSampler(weights, num_samples=160, generator=stream)


torch.manual_seed(19)
data = make_data()
loader = DataLoader(data, batch_size=20, sampler=make_sampler(data))
model = nn.Sequential(nn.Linear(5, 10), nn.ReLU(), nn.Linear(10, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for x, y in loader:
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.4f}")
digest = hashlib.sha256()
for p in model.parameters():
    digest.update(p.detach().numpy().tobytes())
print("fingerprint", digest.hexdigest())
