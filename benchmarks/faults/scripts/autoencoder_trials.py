"""Sparse autoencoder, one trial per hidden size."""

import hashlib
import os

import torch
import torch.nn as nn
from sklearn.datasets import load_digits


def trial_seed():
    return int.from_bytes(os.urandom(4), "little")  # planted


class AutoEncoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.encode = nn.Linear(64, hidden)
        self.decode = nn.Linear(hidden, 64)

    def forward(self, x):
        code = torch.relu(self.encode(x))
        return self.decode(code), code


def run_trial(x, hidden, seed, steps=6):
    torch.manual_seed(seed)
    model = AutoEncoder(hidden)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(steps):
        index = torch.randint(0, len(x), (64,))
        restored, code = model(x[index])
        loss = (restored - x[index]).pow(2).mean() + 1e-3 * code.abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model, loss.item()


def search(sizes):
    x = torch.tensor(load_digits().data[:300] / 16.0, dtype=torch.float32)
    models = []
    for hidden in sizes:
        seed = trial_seed()
        model, loss = run_trial(x, hidden, seed)
        print(f"hidden {hidden} seed {seed} loss {loss:.4f}")
        models.append(model)
    return models


if __name__ == "__main__":
    digest = hashlib.sha256()
    for model in search([8, 24]):
        for p in model.parameters():
            digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())
