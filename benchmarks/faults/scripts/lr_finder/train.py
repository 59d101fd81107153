"""Train, then try other learning rates for the next run."""

import copy
import hashlib

import finder
import torch
from torch import nn


def fit(model, x, y, lr):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(8):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def main():
    torch.manual_seed(53)
    x = torch.randn(64, 5)
    y = x.square().mean(1, keepdim=True)
    fresh = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    model = copy.deepcopy(fresh)
    print(f"loss {fit(model, x, y, finder.recall(default=0.01)):.4f}")
    finder.remember({lr: fit(copy.deepcopy(fresh), x, y, lr) for lr in (0.03, 0.1, 0.2)})
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
