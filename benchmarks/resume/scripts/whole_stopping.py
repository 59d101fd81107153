"""Stops early, with the stopper's numbers in the checkpoint; the epochs' order is DistributedSampler's."""

import argparse
import hashlib
import time

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resume", metavar="PATH")
    parser.add_argument("--patience", type=int, default=3)
    args = parser.parse_args()
    torch.manual_seed(215)
    digits = load_digits()
    x = torch.tensor(digits.data[:220] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target[:220])
    data = TensorDataset(x[:100], y[:100])
    sampler = DistributedSampler(data, num_replicas=1, rank=0, seed=215)
    loader = DataLoader(data, batch_size=25, sampler=sampler)
    model = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, threshold=0.1)
    epoch, best, bad = 0, float("inf"), 0
    if args.resume:
        state = torch.load(args.resume)  # loaded
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        plateau.load_state_dict(state["plateau"])
        epoch, best, bad = state["epoch"], state["best"], state["bad"]
    while epoch < 12 and bad < args.patience:
        sampler.set_epoch(epoch)
        for features, labels in loader:
            loss = nn.functional.cross_entropy(model(features), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            time.sleep(0.04)
        with torch.no_grad():
            value = nn.functional.cross_entropy(model(x[100:]), y[100:]).item()
        plateau.step(value)
        best, bad = (value, 0) if value < best - 0.05 else (best, bad + 1)
        epoch += 1
        print(f"epoch {epoch}: {value:.4f} bad {bad}")
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        state |= {"plateau": plateau.state_dict(), "epoch": epoch, "best": best, "bad": bad}
        torch.save(state, "stopping.pt")  # saved
    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
