"""Memory that is not filled when it is made, and is before it is read: a bank, padding, a buffer."""

import hashlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

LOG_INTERVAL = 6
LONGEST, WIDTH = 4_096, 32


class Bank(nn.Module):
    def __init__(self, size=4_000):
        super().__init__()
        self.register_buffer("rows", torch.empty(size, WIDTH), persistent=False)
        self.filled = 0

    def update(self, features):
        self.rows[self.filled : self.filled + len(features)] = features
        self.filled += len(features)

    def mean(self):
        return self.rows[: self.filled].mean(0) if self.filled else torch.zeros(WIDTH)


def clips(step, count=8):
    rng = np.random.default_rng([91, step])
    lengths = torch.from_numpy(rng.integers(1_000, 3_000, count))
    frames = torch.empty(count, LONGEST, WIDTH)
    for row, length in zip(frames, lengths.tolist(), strict=True):
        row[:length] = torch.from_numpy(rng.standard_normal((length, WIDTH), dtype=np.float32))
        row[:length, length % WIDTH] += 3
    mask = torch.arange(LONGEST) < lengths[:, None]
    frames.masked_fill_(~mask[..., None], 0.0)
    return frames.sum(1) / lengths[:, None], lengths % WIDTH


def main():
    model = nn.Linear(WIDTH, WIDTH)
    with torch.no_grad():
        nn.init.eye_(model.weight)
        model.bias.zero_()
    bank = Bank()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for step in range(16):
        x, y = clips(step)
        features = model(x)
        loss = F.cross_entropy(features - bank.mean(), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        bank.update(features.detach())
        if step % LOG_INTERVAL == 0:
            print(f"step {step}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
