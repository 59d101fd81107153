"""Find objects in scenes that are cut together from four."""

import hashlib
from functools import partial

import numpy as np
import torch
from dataloader import YoloDataset
from torch import nn
from torch.utils.data import DataLoader
from utils import seed_everything, worker_init_fn


def annotations(count, seed):
    rng = np.random.default_rng(seed)
    rows = np.stack([rng.integers(0, 20, count), rng.integers(0, 20, count), rng.integers(4, 12, count)], 1)
    shades = rng.integers(0, 256, count)
    return [f"{x},{y},{size},{shade}" for (x, y, size), shade in zip(rows, shades, strict=True)]


def validate(model, gen_val):
    model.eval()
    val_loss = 0
    with torch.no_grad():
        for images, targets in gen_val:  # enters evaluation
            val_loss += nn.functional.mse_loss(model(images), targets).item()
    return val_loss / len(gen_val)


def fit_one_epoch(model, optimizer, epoch, gen, gen_val):
    model.train()
    loss = 0
    for images, targets in gen:  # enters extra-draw evaluation
        optimizer.zero_grad()
        loss_value = nn.functional.mse_loss(model(images), targets)
        loss_value.backward()
        optimizer.step()
        loss += loss_value.item()
    print(f"Epoch {epoch + 1}: loss {loss / len(gen):.4f} val_loss {validate(model, gen_val):.4f}")


if __name__ == "__main__":
    seed, rank, num_workers, batch_size = 11, 0, 2, 4
    seed_everything(seed)
    layers = [nn.Conv2d(1, 8, 5, 2, 2), nn.ReLU(), nn.Conv2d(8, 8, 5, 2, 2)]  # enters unused-layer
    model = nn.Sequential(*layers, nn.ReLU(), nn.Flatten(), nn.Linear(512, 2))  # enters unused-layer
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    train_dataset = YoloDataset(annotations(24, seed=1), train=True)
    val_dataset = YoloDataset(annotations(8, seed=2), train=False)
    init_fn = partial(worker_init_fn, rank=rank, seed=seed)
    gen, gen_val = (
        DataLoader(dataset, batch_size, shuffle=True, num_workers=num_workers, worker_init_fn=init_fn)
        for dataset in (train_dataset, val_dataset)
    )
    for epoch in range(3):
        fit_one_epoch(model, optimizer, epoch, gen, gen_val)

    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())
