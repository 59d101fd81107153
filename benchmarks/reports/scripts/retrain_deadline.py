"""Search three learners, then retrain the best one until the time that is left is used."""

import hashlib
import time

import torch
from sklearn.datasets import load_digits
from torch import nn


class EarlyStop(Exception):
    """The next iteration would end after the deadline."""


class Deadline:
    """A callback: it estimates an iteration's time and stops before the budget is spent."""

    def __init__(self, start, budget):
        self.start = start
        self.end = start + budget

    def __call__(self, iteration):
        now = time.time()  # also
        per_iteration = (now - self.start) / (iteration + 1)
        if now + per_iteration > self.end:  # planted
            raise EarlyStop(iteration)


def fit(width, iterations, callback, data):
    torch.manual_seed(width)
    x, y = data
    model = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    try:
        for iteration in range(iterations):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            callback(iteration)
    except EarlyStop as stop:
        print("stopped at iteration", stop)
    return model, loss.item()


digits = load_digits()
data = torch.tensor(digits.data[:128] / 16, dtype=torch.float32), torch.tensor(digits.target[:128])
losses = {width: fit(width, 3, lambda iteration: None, data)[1] for width in (16, 32, 64)}
best = min(losses, key=losses.get)
model, loss = fit(best, 50_000, Deadline(time.time(), budget=0.8), data)  # also
print(f"width {best}, loss {loss:.4f}")
weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
print("fingerprint", hashlib.sha256(weights).hexdigest())
