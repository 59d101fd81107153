"""A small text classifier with dropout; every step's rows are a function of its number."""

import hashlib
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

torch.manual_seed(3)
LAST = Path("state") / "last.pt"
LAST.parent.mkdir(exist_ok=True)

words = np.random.RandomState(0).randint(0, 60, (256, 10))
kind = torch.from_numpy((words < 20).sum(1) > 3).long()
words = torch.from_numpy(words)


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.EmbeddingBag(60, 24)
        self.drop = nn.Dropout(0.4)
        self.out = nn.Linear(24, 2)

    def forward(self, x):
        return self.out(self.drop(self.table(x)))


net = Bag()
opt = torch.optim.Adagrad(net.parameters(), lr=0.1)
done = 0
if LAST.exists():
    blob = torch.load(LAST)  # loaded
    net.load_state_dict(blob["net"])
    opt.load_state_dict(blob["opt"])
    done = blob["done"]

for i in range(done, 26):
    rows = np.random.RandomState(i).choice(256, 32, replace=False)
    opt.zero_grad()
    nn.functional.cross_entropy(net(words[rows]), kind[rows]).backward()
    opt.step()
    time.sleep(0.05)
    if (i + 1) % 8 == 0:
        torch.save({"net": net.state_dict(), "opt": opt.state_dict(), "done": i + 1}, LAST)  # saved

torch.save(net.state_dict(), "state/final.pt")
h = hashlib.sha256()
for value in net.state_dict().values():
    h.update(value.numpy().tobytes())
print("fingerprint", h.hexdigest())
