"""After a resume every generator is elsewhere: none is saved.  Nothing draws from one after the start."""

import argparse
import hashlib
import time

import torch
from sklearn.datasets import load_wine
from torch import nn


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(13, 24), nn.GELU(), nn.Dropout(0.0), nn.Linear(24, 3))

    def forward(self, x):
        return self.net(x)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()
    torch.manual_seed(203)
    wine = load_wine()
    x = torch.tensor(wine.data, dtype=torch.float32)
    x, y = (x - x.mean(0)) / x.std(0), torch.tensor(wine.target)
    if args.resume:
        saved = torch.load("wine.pt")  # loaded
        torch.manual_seed(saved["step"])
    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    step = 0
    if args.resume:
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]
    while step < 26:
        rows = (torch.arange(30) * 7 + step * 30) % len(x)
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        time.sleep(0.05)
        if step % 4 == 0:
            state = {"step": step, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save(state, "wine.pt")  # saved
    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
