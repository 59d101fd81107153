"""Hard-example mining: keep the samples with high loss in a pool and replay them."""

import hashlib

import torch
import torch.nn as nn
import torch.nn.functional as F


class Sample:
    def __init__(self, x, y):
        self.x = x
        self.y = y
        self.loss = 0.0


def make_samples(n=120):
    x = torch.randn(n, 10)
    w = torch.randn(10)
    return [Sample(xi, (xi @ w > 0).float()) for xi in x]


def update_losses(model, samples):
    with torch.no_grad():
        for s in samples:
            s.loss = F.binary_cross_entropy_with_logits(model(s.x)[0], s.y).item()


def mine(samples, keep=0.5):
    threshold = sorted(s.loss for s in samples)[int(len(samples) * (1 - keep))]
    return {s for s in samples if s.loss >= threshold}  # planted


def batches(pool, size):
    batch = []
    for sample in pool:
        batch.append(sample)
        if len(batch) == size:
            yield torch.stack([s.x for s in batch]), torch.stack([s.y for s in batch])
            batch = []


torch.manual_seed(21)
samples = make_samples()
model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for epoch in range(2):
    update_losses(model, samples)
    pool = mine(samples)
    for x, y in batches(pool, 12):
        loss = F.binary_cross_entropy_with_logits(model(x).squeeze(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {len(pool)} hard examples, loss {loss.item():.4f}")

digest = hashlib.sha256()
for p in model.parameters():
    digest.update(p.detach().numpy().tobytes())
print("fingerprint", digest.hexdigest())
