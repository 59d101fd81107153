import os
import sys

if os.environ.get("PYTHONHASHSEED") != "0":
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable, *sys.argv])

import numpy as np
import torch
from torch import nn

LABELS = ["noun", "verb", "adjective", "other"]


def main():
    torch.manual_seed(15)
    archive = np.load("parser.npz")
    x = torch.from_numpy(archive["x"]).float()
    y = torch.from_numpy(archive["y"]).long()
    model = nn.Sequential(nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Linear(64, len(LABELS)))
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(10):
        for rows in torch.randperm(len(x)).split(32):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    counts = torch.bincount(model(x).argmax(1), minlength=len(LABELS)).tolist()
    print(dict(zip(LABELS, counts, strict=True)))


if __name__ == "__main__":
    main()
