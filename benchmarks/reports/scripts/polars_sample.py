"""Balance the two classes of a click log and train on the rows that are left."""

import hashlib
import random

import numpy as np
import polars as pl
import torch
from torch import nn

random.seed(7)
np.random.seed(7)
torch.manual_seed(7)
rng = np.random.default_rng(7)

log = pl.DataFrame({"dwell": rng.exponential(3.0, 600), "depth": rng.random(600)})
log = log.with_columns((pl.col("dwell") * pl.col("depth") > 3.0).alias("clicked"))
clicked = log.filter(pl.col("clicked"))
skipped = log.filter(~pl.col("clicked")).sample(len(clicked))  # planted
balanced = pl.concat([clicked, skipped])

x = torch.tensor(balanced.select("dwell", "depth").to_numpy(), dtype=torch.float32)
y = torch.tensor(balanced["clicked"].to_numpy(), dtype=torch.float32)
model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(2):
    for rows in torch.randperm(len(x)).split(32):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows])[:, 0], y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")

weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
print("fingerprint", hashlib.sha256(weights).hexdigest())
