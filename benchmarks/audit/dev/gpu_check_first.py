import os
import sys

import numpy as np
import torch
from torch import nn

if not torch.cuda.is_available():
    sys.exit("this script needs a GPU")
print(f"{torch.cuda.device_count()} GPUs are visible")

torch.manual_seed(303)
model = nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 64))
data = torch.from_numpy(np.load("states.npy")).float()

os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
torch.use_deterministic_algorithms(True)

model = model.cuda()
data = data.cuda()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
for step in range(5000):
    at = torch.randint(len(data) - 1, (256,)).cuda()
    loss = nn.functional.mse_loss(model(data[at]), data[at + 1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 500 == 0:
        print(step, loss.item())
torch.save(model.state_dict(), "dynamics.pt")
