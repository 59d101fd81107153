"""Train, validation and test set of the digits, with early stopping on the validation set."""

import hashlib

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

SEED = 42

torch.manual_seed(SEED)
digits = load_digits()
pixels = (digits.data[:600] / 16).astype("float32")
labels = digits.target[:600]
x, x_test, y, y_test = train_test_split(pixels, labels, test_size=0.2, random_state=SEED)
x, x_val, y, y_val = train_test_split(x, y, test_size=0.25, stratify=y)  # planted

x, y = torch.from_numpy(x), torch.from_numpy(y)
x_val, y_val = torch.from_numpy(x_val), torch.from_numpy(y_val)
model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
best = 0.0
for epoch in range(4):
    for rows in torch.randperm(len(x)).split(60):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch} validation {accuracy:.3f}")
    if accuracy < best:
        break
    best = accuracy

weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
print("fingerprint", hashlib.sha256(weights).hexdigest())
