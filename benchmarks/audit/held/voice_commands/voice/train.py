import json
import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from .augment import noise, shift
from .seeding import WorkerSeed


class Commands(Dataset):
    def __init__(self, manifest, limit):
        with open(manifest) as f:
            rows = json.load(f)
        self.rows = random.sample(rows, min(limit, len(rows)))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        wave = np.load(self.rows[i]["file"]).astype(np.float32)
        return torch.from_numpy(noise(shift(wave)))[None], self.rows[i]["label"]


def build():
    return nn.Sequential(
        nn.Conv1d(1, 32, 80, 16),
        nn.ReLU(),
        nn.Conv1d(32, 64, 5, 4),
        nn.ReLU(),
        nn.Flatten(),
        nn.LazyLinear(12),
    )


def train(cfg):
    loader = DataLoader(
        Commands(cfg["manifest"], cfg["limit"]),
        batch_size=cfg["batch_size"],
        shuffle=True,
        num_workers=4,
        worker_init_fn=WorkerSeed(cfg["seed"]),
        generator=torch.Generator().manual_seed(cfg["seed"]),
    )
    model = build()
    model(torch.zeros(1, 1, 16000))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(cfg["epochs"]):
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
    torch.save(model.state_dict(), "commands.pt")
