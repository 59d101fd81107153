"""The learning rate is a function of the step, and the optimizer has no state: neither is saved."""

import argparse
import hashlib
import math
import time

import torch
from torch import nn


def rate(step, steps, peak=0.3, warm=6):
    if step < warm:
        return peak * (step + 1) / warm
    return peak / 2 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--weights", help="go on from these")
    args = parser.parse_args()
    torch.manual_seed(213)
    x = torch.randn(200, 4)
    y = (x[:, 0] * x[:, 1] > 0).long()
    model = nn.Sequential(nn.Linear(4, 24), nn.Tanh(), nn.Linear(24, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    begin = 0
    if args.weights:
        blob = torch.load(args.weights)  # loaded
        begin = blob.pop("step")
        model.load_state_dict(blob)
    for step in range(begin, args.steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, args.steps)
        rows = slice(step % 5, None, 5)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
        time.sleep(0.045)
        if step % 6 == 5:
            torch.save({**model.state_dict(), "step": step + 1}, "rate.pt")  # saved
    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
