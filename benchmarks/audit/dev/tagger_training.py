import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--checkpoint", type=Path, default=Path("last.ckpt"))
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    x = torch.from_numpy(np.load("tokens.npy")).float()
    y = torch.from_numpy(np.load("tags.npy")).long()
    model = nn.Sequential(nn.Linear(x.shape[1], 200), nn.Tanh(), nn.Dropout(0.4), nn.Linear(200, 17))
    optimizer = torch.optim.Adam(model.parameters())
    first = 0
    if args.checkpoint.exists():
        state = torch.load(args.checkpoint)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["epoch"] + 1

    for epoch in range(first, args.epochs):
        for rows in torch.randperm(len(x)).split(100):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        torch.save(
            {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch},
            args.checkpoint,
        )
        print(epoch, loss.item())


if __name__ == "__main__":
    main()
