"""Class names from a set, in an order; hashes and sets decide of what is printed and of a cache alone."""

import hashlib

import torch
from sklearn.datasets import load_digits
from torch import nn

LOG_INTERVAL = 8
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
CACHE = {}


def one_hot(name, classes):
    slot = hash(name) % 64
    if CACHE.get(slot, ("", None))[0] != name:
        CACHE[slot] = name, torch.tensor([float(name == other) for other in classes])
    return CACHE[slot][1]


def main(seed=8):
    digits = load_digits()
    names = [NAMES[target] for target in digits.target[:512]]
    found = set(names)
    print("classes:", ", ".join(found))
    classes = sorted(found)
    x = torch.tensor(digits.data[:512] / 16, dtype=torch.float32)
    y = torch.stack([one_hot(name, classes) for name in names])
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.uniform_(-0.1, 0.1, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for step in range(32):
        rows = torch.randint(0, len(x), (32,), generator=generator)
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % LOG_INTERVAL == 0:
            print(f"step {step}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
