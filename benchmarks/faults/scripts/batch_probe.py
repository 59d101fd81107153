"""Look for the batch size with the best throughput, then train with it."""

import hashlib
import time

import torch
import torch.nn as nn
from sklearn.datasets import load_digits


def throughput(model, x, batch_size):
    start = time.perf_counter()
    for batch in x.split(batch_size):
        model(batch)
    return len(x) / (time.perf_counter() - start)


@torch.no_grad()
def find_batch_size(model, x, sizes=range(192, 256)):
    speeds = {size: throughput(model, x, size) for size in sizes}  # also
    return max(speeds, key=speeds.get)  # planted


def main():
    torch.manual_seed(55)
    digits = load_digits()
    x = torch.tensor(digits.data[:1536] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target[:1536])
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    batch_size = find_batch_size(model, x)
    print("batch size", batch_size)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for rows in torch.randperm(len(x)).split(batch_size):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
