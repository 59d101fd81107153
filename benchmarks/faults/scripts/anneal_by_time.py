"""Learning rate annealed over the expected duration of the job."""

import hashlib
import math
import time

import torch
from torch import nn

DURATION = 2.0
PEAK_LR = 0.1


class TimedSchedule:
    """Cosine from the peak to zero over `duration` seconds."""

    def __init__(self, optimizer, peak, duration):
        self.optimizer = optimizer
        self.peak = peak
        self.duration = duration
        self.start = time.perf_counter()

    def step(self):
        progress = min(1.0, (time.perf_counter() - self.start) / self.duration)  # planted
        lr = 0.5 * self.peak * (1 + math.cos(math.pi * progress))
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        return lr


torch.manual_seed(14)
inputs = torch.randn(512, 12)
targets = inputs.abs().sum(1, keepdim=True)

model = nn.Sequential(nn.Linear(12, 32), nn.LeakyReLU(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=PEAK_LR)
schedule = TimedSchedule(optimizer, peak=0.01, duration=DURATION)

for step in range(12):
    rows = torch.randint(0, len(inputs), (64,))
    loss = nn.functional.smooth_l1_loss(model(inputs[rows]), targets[rows])
    optimizer.zero_grad()
    loss.backward()
    lr = schedule.step()
    optimizer.step()
    print(f"step {step} lr {lr:.6f} loss {loss.item():.4f}")

sha = hashlib.sha256()
for p in model.parameters():
    sha.update(p.detach().numpy().tobytes())
print("fingerprint", sha.hexdigest())
