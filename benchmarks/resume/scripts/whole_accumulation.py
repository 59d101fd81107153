"""Gradients of four small batches are added up; a checkpoint is written only after a step."""

import hashlib
import os
import time

import torch
from torch import nn

PATH, ACCUMULATE = "whole.pt", 4

torch.manual_seed(212)
x = torch.randn(256, 10)
y = x.cummax(1).values[:, ::3]
model = nn.Sequential(nn.Linear(10, 30), nn.ReLU(), nn.Linear(30, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
begin = 0
if os.path.exists(PATH):
    state = torch.load(PATH)  # loaded
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    begin = state["next"]

for i in range(begin, 60):
    rows = (torch.arange(8) + 8 * i) % len(x)
    (nn.functional.mse_loss(model(x[rows]), y[rows]) / ACCUMULATE).backward()
    time.sleep(0.025)
    if i % ACCUMULATE < ACCUMULATE - 1:
        continue
    optimizer.step()
    optimizer.zero_grad()
    if (i + 1) % 12 == 0:
        state = {"next": i + 1, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save(state, PATH)  # saved

sha = hashlib.sha256()
for p in model.parameters():
    sha.update(p.detach().numpy().tobytes())
print("fingerprint", sha.hexdigest())
