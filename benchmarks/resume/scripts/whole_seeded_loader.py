"""samebits' loader and its capture of everything random; goes on in the middle of an epoch."""

import hashlib
import os
import random
import time

import torch
from torch import nn
from torch.utils.data import Dataset

import samebits
from samebits.data import SeededLoader

CHECKPOINT = "seeded.pt"


class Shaken(Dataset):
    def __init__(self):
        self.x = torch.linspace(-1, 1, 90 * 6).view(90, 6)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        row = self.x[index] + 0.1 * torch.randn(6)
        return row * random.uniform(0.9, 1.1), row.sum(0, keepdim=True)


def main():
    samebits.seed_everything(208)
    loader = SeededLoader(Shaken(), batch_size=10, shuffle=True, num_workers=2, seed=208)
    model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Dropout(0.2), nn.Linear(24, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    step = 0
    if os.path.exists(CHECKPOINT):
        state = torch.load(CHECKPOINT)  # loaded
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        loader.load_state_dict(state["loader"])
        step = state["step"]
    else:
        state = None

    for epoch in range(loader.epoch, 3):
        loader.set_epoch(epoch)
        batches = iter(loader)
        if state is not None:
            samebits.restore_rng(state["rng"], model=model)
            state = None
        for features, target in batches:
            loss = nn.functional.mse_loss(model(features), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            time.sleep(0.05)
            if step % 4 == 0:
                now = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
                now |= {"loader": loader.state_dict(), "rng": samebits.capture_rng(model=model)}
                torch.save(now, CHECKPOINT)  # saved

    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
