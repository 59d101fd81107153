"""Half precision where the processor has the instructions for it."""

import hashlib

import torch
from sklearn.datasets import load_digits
from torch import nn

LOG_INTERVAL = 10


def is_fast_in_half():
    return torch.backends.cpu.get_cpu_capability() != "DEFAULT"  # planted


def main(seed=52):
    digits = load_digits()
    x = torch.tensor(digits.data[:640] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target[:640])
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    generator = torch.Generator().manual_seed(seed)
    for layer in (model[0], model[2]):
        nn.init.xavier_uniform_(layer.weight, generator=generator)
        nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    half = is_fast_in_half()
    for step in range(30):
        rows = slice(step % 20 * 32, step % 20 * 32 + 32)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):  # also
            loss = nn.functional.cross_entropy(model(x[rows]).float(), y[rows])  # also
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % LOG_INTERVAL == 0:
            print(f"step {step}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
