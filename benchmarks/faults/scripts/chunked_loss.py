"""The loss is computed over blocks of rows, at each step in those that are fastest then."""

import hashlib
import timeit

import torch
import torch.nn.functional as F
from torch import nn

SIZES = range(120, 138)  # eight blocks each


def blocked_loss(model, x, y, size):
    parts = zip(x.split(size), y.split(size), strict=True)
    return sum(F.cross_entropy(model(a), b, reduction="sum") for a, b in parts) / len(x)


def choose(model, x, y):
    seconds = {n: timeit.timeit(lambda n=n: blocked_loss(model, x, y, n), number=1) for n in SIZES}  # also
    return min(SIZES, key=seconds.get)  # planted


def main():
    torch.manual_seed(66)
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(48, 64), nn.ReLU(), nn.Linear(64, 5))
    x = torch.randn(960, 48)
    y = x[:, :5].argmax(1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(6):
        size = choose(model, x, y)
        loss = blocked_loss(model, x, y, size)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} size {size} loss {loss.item():.6f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
