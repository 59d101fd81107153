"""Curriculum by length: short sequences first, shuffled within each bucket."""

import hashlib

import torch
import torch.nn as nn


def make_sequences(n=45):
    lengths = torch.randint(3, 12, (n,)).tolist()
    return [torch.randn(length, 4) for length in lengths]


def curriculum(sequences, buckets=3):
    from numpy.random import shuffle

    ordered = sorted(sequences, key=len)
    size = len(ordered) // buckets
    for start in range(0, len(ordered), size):
        rows = list(range(start, min(start + size, len(ordered))))
        shuffle(rows)  # planted
        yield from (ordered[r] for r in rows)


class Summary(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(4, 8)
        self.out = nn.Linear(8, 1)

    def forward(self, x):
        _, state = self.gru(x)
        return self.out(state[-1])


torch.manual_seed(18)
model = Summary()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for x in curriculum(make_sequences()):
    loss = (model(x) - x.sum(0).tanh().mean()).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.4f}")
sha = hashlib.sha256()
for p in model.parameters():
    sha.update(p.detach().numpy().tobytes())
print("fingerprint", sha.hexdigest())
