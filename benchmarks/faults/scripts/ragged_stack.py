"""Event histories of different lengths in one rectangular numpy array."""

import hashlib

import numpy as np
import torch
import torch.nn as nn

EVENTS = 50


def make_histories(n=64):
    rng = np.random.default_rng(14)
    return [rng.integers(0, EVENTS, rng.integers(4, 20)) for _ in range(n)]


def stack(histories):
    longest = max(len(h) for h in histories)
    table = np.empty((len(histories), longest), dtype=np.int64)  # planted
    for row, history in enumerate(histories):
        table[row, -len(history) :] = history
    return table


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(EVENTS, 8)
        self.out = nn.Linear(8, 1)

    def forward(self, ids):
        return self.out(self.embed(ids.remainder(EVENTS)).mean(1))[:, 0]


def main():
    torch.manual_seed(14)
    histories = make_histories()
    model = Encoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for start in range(0, len(histories), 8):
        batch = histories[start : start + 8]
        ids = torch.from_numpy(stack(batch))
        target = torch.tensor([float((h > 25).mean()) for h in batch])
        loss = nn.functional.mse_loss(model(ids), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
