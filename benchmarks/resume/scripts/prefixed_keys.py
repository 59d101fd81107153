"""The model is trained inside a wrapper; whoever resumes loads into what is wrapped."""

import argparse
import hashlib
import time

import torch
from torch import nn


class Scaled(nn.Module):
    """Plays what DataParallel or a compiled model is: the module, under another name."""

    def __init__(self, module, factor):
        super().__init__()
        self.module = module
        self.factor = factor

    def forward(self, x):
        return self.module(x) * self.factor


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resume_path", default="")
    args = parser.parse_args()

    torch.manual_seed(82)
    x = torch.randn(192, 9)
    y = x.sort(dim=1).values[:, 3:6]
    model = nn.Sequential(nn.Linear(9, 36), nn.ReLU(), nn.Linear(36, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    iteration = 0
    if args.resume_path:
        state = torch.load(args.resume_path)  # loaded
        model.load_state_dict(state["model"], strict=False)
        optimizer.load_state_dict(state["optimizer"])
        iteration = state["iteration"]
    wrapped = Scaled(model, 0.5)

    while iteration < 30:
        rows = slice(iteration % 6, None, 6)
        loss = nn.functional.l1_loss(wrapped(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        iteration += 1
        time.sleep(0.045)
        if iteration % 8 == 0:
            state = {"model": wrapped.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save({**state, "iteration": iteration}, "wrapped.pth")  # saved

    sha = hashlib.sha256()
    for p in wrapped.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
