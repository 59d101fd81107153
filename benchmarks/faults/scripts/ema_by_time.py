"""Average the weights with a half-life in seconds."""

import hashlib
import time

import torch
import torch.nn as nn


class TimedAverage:
    def __init__(self, model, half_life):
        self.values = [p.detach().clone() for p in model.parameters()]
        self.half_life = half_life
        self.last = time.monotonic()

    @torch.no_grad()
    def update(self, model):
        now = time.monotonic()  # also
        keep = 0.5 ** ((now - self.last) / self.half_life)  # planted
        self.last = now
        for value, p in zip(self.values, model.parameters(), strict=True):
            value.lerp_(p, 1 - keep)


def main():
    torch.manual_seed(4)
    model = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 1))
    average = TimedAverage(model, half_life=0.05)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(20):
        x = torch.randn(32, 6)
        loss = nn.functional.mse_loss(model(x)[:, 0], x[:, 0] * x[:, 1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        average.update(model)
    print(f"loss {loss.item():.4f}")
    with torch.no_grad():
        for p, value in zip(model.parameters(), average.values, strict=True):
            p.copy_(value)
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
