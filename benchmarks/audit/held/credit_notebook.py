# %%
import numpy as np
import pandas as pd
import torch
from torch import nn

# %%
frame = pd.read_csv("credit.csv")
frame = frame.sample(frac=1.0).reset_index(drop=True)
frame.describe()

# %%
SEED = 2023
np.random.seed(SEED)
torch.manual_seed(SEED)

# %%
cut = int(len(frame) * 0.8)
columns = [name for name in frame.columns if name != "default"]
mean, std = frame[columns][:cut].mean(), frame[columns][:cut].std()
x = torch.tensor(((frame[columns] - mean) / std).to_numpy(), dtype=torch.float32)
y = torch.tensor(frame["default"].to_numpy(), dtype=torch.float32)

# %%
model = nn.Sequential(nn.Linear(len(columns), 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(20):
    for rows in np.array_split(np.random.permutation(cut), cut // 64):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

# %%
with torch.no_grad():
    hits = ((model(x[cut:]).squeeze(1) > 0) == (y[cut:] > 0.5)).float().mean()
print(f"accuracy {hits.item():.3f}")
