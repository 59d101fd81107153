"""Digits, each flipped by chance.  Goes on from checkpoint.pt where there is one."""

import hashlib
import os
import random
import time

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

CHECKPOINT = "checkpoint.pt"
STEPS = 28

random.seed(4)
np.random.seed(4)
torch.manual_seed(4)

digits = load_digits()
images = torch.tensor(digits.images[:320] / 16, dtype=torch.float32)
labels = torch.tensor(digits.target[:320])
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
step = 0

if os.path.exists(CHECKPOINT):
    saved = torch.load(CHECKPOINT, weights_only=False)  # loaded
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    np.random.set_state(saved["numpy"])
    torch.set_rng_state(saved["torch"])
    step = saved["step"]
    print(f"going on from step {step}")

while step < STEPS:
    rows = torch.randint(0, len(images), (32,))
    batch = torch.stack([image.flip(1) if random.random() < 0.5 else image for image in images[rows]])
    loss = nn.functional.cross_entropy(model(batch), labels[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    step += 1
    time.sleep(0.05)
    if step % 5 == 0:
        print(f"step {step} loss {loss.item():.4f}")
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
        state |= {"numpy": np.random.get_state(), "torch": torch.get_rng_state()}
        torch.save(state, CHECKPOINT)  # saved

sha = hashlib.sha256()
for p in model.parameters():
    sha.update(p.detach().numpy().tobytes())
print("fingerprint", sha.hexdigest())
