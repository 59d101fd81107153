"""Everything is saved: three generators, the loader's, optimizer, schedule, and more than that."""

import hashlib
import os
import random
import time

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CHECKPOINT = "everything.pt"
EPOCHS = 6


def rng_state(generator):
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "torch": torch.get_rng_state(),
        "loader": generator.get_state(),
    }


def set_rng_state(state, generator):
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    generator.set_state(state["loader"])


def augment(x):
    if random.random() < 0.5:
        x = x.flip(3)
    return x + torch.from_numpy(np.random.normal(0, 0.05, x.shape)).float()


def main():
    random.seed(200)
    np.random.seed(200)
    torch.manual_seed(200)
    digits = load_digits()
    images = torch.tensor(digits.images[:200] / 16, dtype=torch.float32)[:, None]
    generator = torch.Generator().manual_seed(200)
    data = TensorDataset(images, torch.tensor(digits.target[:200]))
    loader = DataLoader(data, batch_size=40, shuffle=True, generator=generator)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
    model.extend([nn.Dropout(0.2), nn.Linear(144, 10)])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
    first, history = 0, []
    if os.path.exists(CHECKPOINT):
        saved = torch.load(CHECKPOINT, weights_only=False)  # loaded
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        scheduler.load_state_dict(saved["scheduler"])
        set_rng_state(saved["rng"], generator)
        first, history = saved["epoch"], saved["history"]

    for epoch in range(first, EPOCHS):
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(augment(x)), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            history.append(loss.item())
            time.sleep(0.05)
        scheduler.step()
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1}
        state |= {"scheduler": scheduler.state_dict(), "rng": rng_state(generator)}
        state |= {"history": history, "gradients": [p.grad for p in model.parameters()]}
        torch.save(state, CHECKPOINT)  # saved

    sha = hashlib.sha256()
    for value in model.state_dict().values():
        sha.update(value.numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
