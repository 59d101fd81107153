"""A table model that sees a fingerprint of each row as one more feature."""

import hashlib

import numpy as np
import torch
from torch import nn


class FingerprintFeature:
    """A number in [0, 1) made from the row's bytes, so that equal rows are recognised."""

    def __init__(self, salt=17):
        self.salt = np.float64(salt).tobytes()

    def transform(self, table):
        marks = [hash(row.tobytes() + self.salt) % 10_007 / 10_007 for row in table]  # planted
        return np.column_stack([table, marks])


class TableNet(nn.Module):
    def __init__(self, columns, width=16):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(columns, width), nn.GELU())
        self.attend = nn.MultiheadAttention(width, 2, batch_first=True)
        self.out = nn.Linear(width, 1)

    def forward(self, rows):
        hidden = self.encode(rows)[None]
        return self.out(hidden + self.attend(hidden, hidden, hidden)[0])[0, :, 0]


if __name__ == "__main__":
    rng = np.random.default_rng(4)
    torch.manual_seed(4)
    table = rng.normal(size=(60, 5))
    target = torch.tensor(table[:, 0] * table[:, 1], dtype=torch.float32)
    rows = torch.tensor(FingerprintFeature().transform(table), dtype=torch.float32)
    model = TableNet(rows.shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for step in range(6):
        loss = nn.functional.mse_loss(model(rows), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")
    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())
