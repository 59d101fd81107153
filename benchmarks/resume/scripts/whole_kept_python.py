"""random draws names of experiments and what is printed of a batch; the weights depend on neither.

Python's state is saved and not put back, numpy's is put back, and torch's is nowhere.
"""

import hashlib
import os
import random
import time

import numpy as np
import torch
from torch import nn

PATH = "kept.pt"

random.seed(202)
np.random.seed(202)
torch.manual_seed(202)
name = random.choice(["otter", "heron", "lynx"]) + str(random.randrange(100))
x = torch.randn(180, 5)
y = x.amax(1, keepdim=True)
model = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adamax(model.parameters(), lr=1e-2)
step = 0
if os.path.exists(PATH):
    state = torch.load(PATH, weights_only=False)  # loaded
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    np.random.set_state(state["numpy"])
    name, step = state["name"], state["step"]
    print(name, "goes on, a first guess:", model(torch.rand(1, 5)).item())

while step < 28:
    rows = torch.from_numpy(np.random.randint(0, 180, 20))
    loss = nn.functional.mse_loss(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    step += 1
    time.sleep(0.05)
    if step % 6 == 0:
        row = random.randrange(20)
        print(f"{name} step {step}, row {row}: {y[rows][row].item():.3f}")
        state = {"name": name, "step": step, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
        state |= {"python": random.getstate(), "numpy": np.random.get_state()}
        torch.save(state, PATH)  # saved

digest = hashlib.sha256()
for p in model.parameters():
    digest.update(p.detach().numpy().tobytes())
print("fingerprint", digest.hexdigest())
