"""Mixup on digits; one checkpoint an epoch, and the best weights for whoever wants them.

python mixup.py [--resume checkpoint_last.pth]
"""

import argparse
import hashlib
import random
import time

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def mixup(x, y, alpha=0.4):
    weight = np.random.beta(alpha, alpha)
    other = torch.randperm(len(x))
    return weight * x + (1 - weight) * x[other], y, y[other], weight


def train_one_epoch(model, loader, optimizer):
    total = 0.0
    for x, y in loader:
        x, first, second, weight = mixup(x, y)
        out = model(x)
        loss = weight * F.cross_entropy(out, first) + (1 - weight) * F.cross_entropy(out, second)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
        time.sleep(0.05)
    return total / len(loader)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--resume", default="")
    args = parser.parse_args()
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)

    digits = load_digits()
    x = torch.tensor(digits.data[:250] / 16, dtype=torch.float32)
    loader = DataLoader(TensorDataset(x, torch.tensor(digits.target[:250])), batch_size=50, shuffle=True)
    model = nn.Sequential(nn.Linear(64, 48), nn.GELU(), nn.Linear(48, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    start, best = 0, float("inf")
    if args.resume:
        checkpoint = torch.load(args.resume, weights_only=False)  # loaded
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        random.setstate(checkpoint["random"])
        torch.set_rng_state(checkpoint["torch"])
        start, best = checkpoint["epoch"] + 1, checkpoint["best"]

    for epoch in range(start, args.epochs):
        loss = train_one_epoch(model, loader, optimizer)
        print(f"epoch {epoch}: {loss:.4f}")
        if loss < best:
            best = loss
            torch.save(model.state_dict(), "best.pth")
        if epoch < args.epochs - 1:
            checkpoint = {"epoch": epoch, "best": best, "model": model.state_dict()}
            checkpoint["optimizer"] = optimizer.state_dict()
            checkpoint["random"] = random.getstate()
            checkpoint["torch"] = torch.get_rng_state()
            torch.save(checkpoint, "checkpoint_last.pth")  # saved

    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


if __name__ == "__main__":
    main()
