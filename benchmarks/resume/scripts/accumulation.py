"""Gradients of four small batches are added up before each step."""

import argparse
import hashlib
import time

import torch
from torch import nn


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--accumulate", type=int, default=4)
    parser.add_argument("--save-every", type=int, default=8)
    parser.add_argument("--resume", metavar="PATH")
    args = parser.parse_args()

    torch.manual_seed(111)
    x = torch.randn(256, 10)
    y = x.cumsum(1)[:, ::3]
    model = nn.Sequential(nn.Linear(10, 30), nn.ReLU(), nn.Linear(30, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    begin = 0
    if args.resume:
        state = torch.load(args.resume)  # loaded
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        begin = state["next"]

    optimizer.zero_grad()
    for i in range(begin, 60):
        rows = (torch.arange(8) + 8 * i) % len(x)
        loss = nn.functional.mse_loss(model(x[rows]), y[rows]) / args.accumulate
        loss.backward()
        time.sleep(0.025)
        if (i + 1) % args.accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
        if i > 0 and i % args.save_every == 0:
            state = {"next": i + 1, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save(state, "accumulated.pt")  # saved

    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
