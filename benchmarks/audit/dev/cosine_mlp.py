import math
import time

import numpy as np
import torch
from torch import nn

HOURS = 2.0
BASE_RATE = 0.05


def rate_now(started):
    progress = min(1.0, (time.perf_counter() - started) / (HOURS * 3600))
    return BASE_RATE * 0.5 * (1 + math.cos(math.pi * progress))


def main():
    torch.manual_seed(8)
    x = torch.from_numpy(np.load("x.npy")).float()
    y = torch.from_numpy(np.load("y.npy")).long()
    model = nn.Sequential(nn.Linear(x.shape[1], 300), nn.ReLU(), nn.Linear(300, 100))
    optimizer = torch.optim.SGD(model.parameters(), lr=BASE_RATE, momentum=0.9)
    started = time.perf_counter()
    for epoch in range(200):
        for rows in torch.randperm(len(x)).split(256):
            for group in optimizer.param_groups:
                group["lr"] = rate_now(started)
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, f"{loss.item():.4f}", optimizer.param_groups[0]["lr"])
    torch.save(model.state_dict(), "warm.pt")


if __name__ == "__main__":
    main()
