"""The epochs that are left are counted from zero, and so is what the sampler is told."""

import argparse
import hashlib
import time

import torch
from sklearn.datasets import load_iris
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--continue-from", metavar="PATH")
    args = parser.parse_args()

    torch.manual_seed(30)
    iris = load_iris()
    x = torch.tensor(iris.data, dtype=torch.float32)
    dataset = TensorDataset(x - x.mean(0), torch.tensor(iris.target))
    sampler = DistributedSampler(dataset, num_replicas=1, rank=0, seed=30)
    loader = DataLoader(dataset, batch_size=30, sampler=sampler)
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    done = 0
    if args.continue_from:
        checkpoint = torch.load(args.continue_from)  # loaded
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        done = checkpoint["epochs"]

    for epoch in range(args.epochs - done):
        sampler.set_epoch(epoch)
        for features, kinds in loader:
            loss = nn.functional.cross_entropy(model(features), kinds)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            time.sleep(0.05)
        finished = done + epoch + 1
        print(f"{finished} of {args.epochs}: {loss.item():.4f}")
        if finished < args.epochs:
            checkpoint = {"epochs": finished, "model": model.state_dict()}
            checkpoint["optimizer"] = optimizer.state_dict()
            torch.save(checkpoint, "iris.pt")  # saved

    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


if __name__ == "__main__":
    main()
