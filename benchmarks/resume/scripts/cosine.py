"""A cosine schedule, stepped after every batch.  Goes on from run/last.pt where there is one."""

import hashlib
import time
from pathlib import Path

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR

LAST = Path("run/last.pt")
STEPS = 30

torch.manual_seed(12)
LAST.parent.mkdir(exist_ok=True)
x = torch.linspace(-2, 2, 256)[:, None]
y = torch.sin(4 * x) * x

model = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
scheduler = CosineAnnealingLR(optimizer, T_max=STEPS)
step = 0
if LAST.exists():
    last = torch.load(LAST)  # loaded
    model.load_state_dict(last["model"])
    optimizer.load_state_dict(last["optimizer"])
    step = last["step"]

while step < STEPS:
    rows = slice(step % 4, None, 4)
    loss = (model(x[rows]) - y[rows]).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    step += 1
    time.sleep(0.05)
    if step % 6 == 0 and step <= STEPS - 3:
        print(f"step {step} rate {scheduler.get_last_lr()[0]:.5f} loss {loss.item():.5f}")
        state = {"step": step, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save(state, LAST)  # saved

digest = hashlib.sha256()
for p in model.parameters():
    digest.update(p.detach().numpy().tobytes())
print("fingerprint", digest.hexdigest())
