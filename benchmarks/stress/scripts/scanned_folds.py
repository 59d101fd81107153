"""Cross validation over patients: a folder each, and the last three are held out."""

import hashlib
import os

import numpy as np
import torch
from torch import nn


def write_patients(root, count=12, visits=10):
    rng = np.random.default_rng(64)
    for number in range(count):
        folder = os.path.join(root, f"patient{number * 37 % 101:03d}")
        os.makedirs(folder, exist_ok=True)
        x = rng.normal(rng.normal(), 1, size=(visits, 8))
        np.savetxt(os.path.join(folder, "visits.txt"), x)


def read_patients(root):
    with os.scandir(root) as entries:
        folders = [entry.path for entry in entries if entry.is_dir()]  # planted
    return [torch.tensor(np.loadtxt(os.path.join(f, "visits.txt")), dtype=torch.float32) for f in folders]


def main():
    write_patients("patients")
    patients = read_patients("patients")
    train, held_out = torch.cat(patients[:-3]), torch.cat(patients[-3:])
    model = nn.Linear(7, 1)
    with torch.no_grad():
        model.weight.fill_(0.1)
        model.bias.zero_()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for step in range(24):
        rows = torch.arange(step * 15, step * 15 + 30) % len(train)
        loss = nn.functional.mse_loss(model(train[rows, :7]), train[rows, 7:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(held_out[:, :7]), held_out[:, 7:])
    print(f"loss {loss.item():.4f}, held out {error.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
