"""Stop training when a timer rings."""

import hashlib
import threading

import torch
from torch import nn


def main(seconds=0.6):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(10, 24), nn.Tanh(), nn.Linear(24, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)  # also
    timer.start()
    steps = 0
    while not stop.is_set():  # planted
        x = torch.randn(16, 10)
        loss = (model(x)[:, 0] - x.norm(dim=1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        steps += 1
    print(f"{steps} steps, loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
