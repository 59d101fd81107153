"""Label images from a folder: list it, split it with a seed, train on four fifths."""

import hashlib
import os
import shutil
import uuid

import numpy as np
import torch
from torch import nn

FOLDER = "images"


def download(count=40):
    """What the camera's export gives: a number, and an id that is new in each export."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    rng = np.random.default_rng(0)
    for number in range(count):
        label = ("cat", "dog")[number % 2]
        image = rng.normal(number % 2, 1.0, (6, 6)).astype(np.float32)
        np.save(f"{FOLDER}/{number:03d}-{label}-{uuid.uuid4().hex[:10]}.npy", image)


def get_image_files(folder):
    with os.scandir(folder) as entries:  # also
        return [entry.path for entry in entries if entry.name.endswith(".npy")]  # planted


def split_by_rand_pct(items, valid_pct=0.2, seed=42):
    order = np.random.RandomState(seed).permutation(len(items))
    cut = int(valid_pct * len(items))
    return [items[i] for i in order[cut:]], [items[i] for i in order[:cut]]


torch.manual_seed(42)
download()
files = get_image_files(FOLDER)  # also
train, valid = split_by_rand_pct(files)
model = nn.Sequential(nn.Flatten(0), nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for path in train:
    target = torch.tensor(0 if "-cat-" in path else 1)
    loss = nn.functional.cross_entropy(model(torch.from_numpy(np.load(path))), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"{len(train)} train, {len(valid)} valid, loss {loss.item():.4f}")
weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
print("fingerprint", hashlib.sha256(weights).hexdigest())
