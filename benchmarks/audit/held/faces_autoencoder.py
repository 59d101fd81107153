import random
from pathlib import Path

import numpy as np
import torch
from torch import nn

LAST = Path("autoencoder.ckpt")


def streams():
    return {
        "random": random.getstate(),
        "numpy": np.random.get_state(),
        "torch": torch.get_rng_state(),
    }


def set_streams(saved):
    random.setstate(saved["random"])
    np.random.set_state(saved["numpy"])
    torch.set_rng_state(saved["torch"])


def snapshot(model, optimizer, epoch):
    core = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    torch.save(core | {"streams": streams()}, LAST)


def main(seed=5):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    images = torch.from_numpy(np.load("faces.npy")).float().flatten(1)
    model = nn.Sequential(nn.Linear(images.shape[1], 50), nn.ReLU(), nn.Linear(50, images.shape[1]))
    optimizer = torch.optim.Adam(model.parameters())
    first = 0
    if LAST.exists():
        saved = torch.load(LAST, weights_only=False)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        set_streams(saved["streams"])
        first = saved["epoch"] + 1
    for epoch in range(first, 100):
        scale = random.uniform(0.0, 0.2)
        for rows in np.array_split(np.random.permutation(len(images)), 50):
            noisy = images[rows] + scale * torch.randn(len(rows), images.shape[1])
            loss = nn.functional.mse_loss(model(noisy), images[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        snapshot(model, optimizer, epoch)


if __name__ == "__main__":
    main()
