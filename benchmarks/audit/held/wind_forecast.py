import random

import numpy as np
import torch
from torch import nn

random.seed(10)
torch.manual_seed(10)

series = np.loadtxt("wind.csv", delimiter=",", dtype=np.float32)
WINDOW = 48

inputs = np.stack([series[i : i + WINDOW] for i in range(len(series) - WINDOW)])
targets = series[WINDOW:]

perm = np.random.permutation(len(inputs))
n_train = int(0.85 * len(inputs))
train_rows, test_rows = perm[:n_train], perm[n_train:]

x = torch.from_numpy(inputs[train_rows])
y = torch.from_numpy(targets[train_rows])

model = nn.Sequential(nn.Linear(WINDOW, 96), nn.ReLU(), nn.Linear(96, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for step in range(3000):
    rows = random.sample(range(n_train), 64)
    loss = nn.functional.smooth_l1_loss(model(x[rows]).squeeze(1), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

with torch.no_grad():
    test = model(torch.from_numpy(inputs[test_rows])).squeeze(1)
print("test MAE", (test - torch.from_numpy(targets[test_rows])).abs().mean().item())
