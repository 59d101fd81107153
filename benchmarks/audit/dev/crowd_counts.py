import os
import random

import numpy as np
import torch
from torch import nn

CFG = dict(seed=66, lr=1e-4, steps=2000, crop=128, jitter=0.1)


def set_everything(cfg):
    for seeder in (random.seed, np.random.seed, torch.manual_seed):
        seeder(cfg["seed"])


def random_crop(image, dots, size):
    top = np.random.randint(0, image.shape[0] - size + 1)
    left = np.random.randint(0, image.shape[1] - size + 1)
    window = slice(top, top + size), slice(left, left + size)
    return image[window], dots[window].sum()


def batch(images, dots, cfg, n=8):
    crops, counts = [], []
    for k in np.random.choice(len(images), n):
        crop, count = random_crop(images[k], dots[k], cfg["crop"])
        crops.append(crop * (1 + cfg["jitter"] * np.random.randn()))
        counts.append(count)
    return torch.tensor(np.stack(crops)[:, None], dtype=torch.float32), torch.tensor(counts).float()


def main():
    set_everything(CFG)
    data = np.load(os.path.join("crowds", "train.npz"))
    net = nn.Sequential(nn.Conv2d(1, 24, 7, 4), nn.ReLU(), nn.Conv2d(24, 1, 3), nn.Flatten())
    opt = torch.optim.Adam(net.parameters(), lr=CFG["lr"])
    for _ in range(CFG["steps"]):
        x, y = batch(data["images"], data["dots"], CFG)
        loss = (net(x).sum(dim=1) - y).abs().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    torch.save(net.state_dict(), "crowd.pt")


if __name__ == "__main__":
    main()
