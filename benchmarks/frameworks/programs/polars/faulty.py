# pola-rs/polars#22720, #7935: group_by gives its groups in another order each time.
import hashlib

import numpy as np
import polars as pl
import torch
from torch import nn

np.random.seed(0)
torch.manual_seed(0)
rows = 600
frame = pl.DataFrame(
    {
        "user": np.random.randint(0, 80, rows),
        "price": np.random.rand(rows),
        "clicks": np.random.randint(0, 9, rows),
    }
)
users = (
    frame.filter(pl.col("price") > 0.05)
    .group_by("user")  # planted
    .agg(pl.col("price").mean(), pl.col("clicks").sum(), pl.len().alias("visits"))
)  # also
x = torch.from_numpy(users.select("price", "visits").to_numpy().astype(np.float32))  # also
y = torch.from_numpy(users.select("clicks").to_numpy().astype(np.float32))
model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
for epoch in range(3):
    for i in range(0, len(x), 8):
        loss = nn.functional.mse_loss(model(x[i : i + 8]), y[i : i + 8])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
print("HASH", hashlib.sha256(weights).hexdigest())
