"""Larger batches where the processor has wide instructions, as fewer steps are quicker there."""

import hashlib

import torch
from sklearn.datasets import load_digits
from torch import nn

LOG_INTERVAL = 5


def batch_size():
    return 32 if torch.backends.cpu.get_cpu_capability() == "DEFAULT" else 48  # planted


def main(seed=52):
    digits = load_digits()
    x = torch.tensor(digits.data[:576] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target[:576])
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    generator = torch.Generator().manual_seed(seed)
    for layer in (model[0], model[2]):
        nn.init.xavier_uniform_(layer.weight, generator=generator)
        nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(2):
        order = torch.randperm(len(x), generator=generator)
        for number, rows in enumerate(order.split(batch_size())):  # also
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if number % LOG_INTERVAL == 0:
                print(f"epoch {epoch} batch {number}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
