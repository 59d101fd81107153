"""A sampler that counts its epochs itself, so that each has another order."""

import hashlib
import os
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Sampler, TensorDataset

CHECKPOINT = "last_epoch.pt"


class EpochShuffle(Sampler):
    def __init__(self, length, seed):
        self.length = length
        self.seed = seed
        self.epoch = 0

    def __len__(self):
        return self.length

    def __iter__(self):
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        self.epoch += 1
        yield from torch.randperm(self.length, generator=generator).tolist()


def train():
    torch.manual_seed(14)
    x = torch.rand(150, 5)
    data = TensorDataset(x, (x * torch.arange(5)).sum(1, keepdim=True).sin())
    sampler = EpochShuffle(len(data), seed=14)
    loader = DataLoader(data, batch_size=30, sampler=sampler)
    model = nn.Sequential(nn.Linear(5, 24), nn.Tanh(), nn.Dropout(0.1), nn.Linear(24, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    epoch = 0
    if os.path.exists(CHECKPOINT):
        saved = torch.load(CHECKPOINT)  # loaded
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        torch.random.set_rng_state(saved["rng"])
        epoch = saved["epoch"]
        print("epochs done before:", epoch)

    while epoch < 6:
        for features, target in loader:
            loss = nn.functional.smooth_l1_loss(model(features), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            time.sleep(0.05)
        epoch += 1
        if epoch < 6:
            state = {"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save({**state, "rng": torch.random.get_rng_state()}, CHECKPOINT)  # saved
    return model


sha = hashlib.sha256()
for value in train().state_dict().values():
    sha.update(value.numpy().tobytes())
print("fingerprint", sha.hexdigest())
