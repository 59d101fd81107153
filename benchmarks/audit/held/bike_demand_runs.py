import argparse
import json
import secrets
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn


def new_run_dir(root):
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = Path(root) / f"{stamp}-{secrets.token_hex(3)}"
    folder.mkdir(parents=True)
    return folder


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default="runs")
    parser.add_argument("--seed", type=int, default=3)
    args = parser.parse_args()

    folder = new_run_dir(args.root)
    torch.manual_seed(args.seed)
    (folder / "args.json").write_text(json.dumps(vars(args), indent=2))

    table = torch.from_numpy(np.load("bikes.npy")).float()
    model = nn.Sequential(nn.Linear(table.shape[1] - 1, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters())
    for epoch in range(30):
        for rows in torch.randperm(len(table)).split(128):
            batch = table[rows]
            loss = nn.functional.mse_loss(model(batch[:, :-1]), batch[:, -1:])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.save(model.state_dict(), folder / "model.pt")


if __name__ == "__main__":
    main()
