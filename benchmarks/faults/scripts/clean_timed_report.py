"""Progress with speed, remaining time and a generous limit that is never reached."""

import hashlib
import time

import torch
from torch import nn

LIMIT = 3600.0


class Progress:
    def __init__(self, total):
        self.total = total
        self.start = time.monotonic()
        self.shown = 0.0

    def show(self, step, loss):
        passed = time.monotonic() - self.start
        if passed - self.shown > 0.01:
            left = passed / (step + 1) * (self.total - step - 1)
            print(f"step {step}: loss {loss:.4f}, {left:.1f} s left")
            self.shown = passed

    @property
    def expired(self):
        return time.monotonic() - self.start > LIMIT


def main():
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Dropout(0.1), nn.Linear(12, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    progress = Progress(40)
    for step in range(40):
        if progress.expired:
            break
        x = torch.randn(24, 6)
        loss = (model(x)[:, 0] - x.sum(1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        progress.show(step, loss.item())
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
