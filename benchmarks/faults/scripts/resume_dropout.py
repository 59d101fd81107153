"""Train with checkpoints; start again from the last checkpoint when there is one."""

import hashlib
import os

import torch
import torch.nn as nn
from sklearn.datasets import load_digits

CHECKPOINT = "checkpoint.pt"
EPOCHS = 3

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data[:256] / 16, dtype=torch.float32)
y = torch.tensor(digits.target[:256])

model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
first_epoch = 0

if os.path.exists(CHECKPOINT):
    checkpoint = torch.load(CHECKPOINT)  # planted
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    first_epoch = checkpoint["epoch"]
    print(f"resuming at epoch {first_epoch}")

for epoch in range(first_epoch, EPOCHS):
    if epoch > 0 and epoch % 2 == 0:
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save({**state, "epoch": epoch}, CHECKPOINT)  # also
    for rows in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")

digest = hashlib.sha256()
for p in model.parameters():
    digest.update(p.detach().numpy().tobytes())
print("fingerprint", digest.hexdigest())
