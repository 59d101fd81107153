"""Gradient noise for the weights, none for the biases and norms."""

import hashlib

import torch
import torch.nn as nn
from sklearn.datasets import load_digits


def split_parameters(model):
    plain = {p for name, p in model.named_parameters() if name.endswith("bias")}
    norms = {p for m in model.modules() if isinstance(m, nn.LayerNorm) for p in m.parameters()}
    return set(model.parameters()) - plain - norms  # also


def add_noise(parameters, scale):
    for p in parameters:  # planted
        p.grad.add_(torch.randn_like(p), alpha=scale)


def build(width=20, depth=5):
    layers = [nn.Linear(64, width)]
    for _ in range(depth):
        layers += [nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, width)]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def main():
    torch.manual_seed(5)
    digits = load_digits()
    x = torch.tensor(digits.data[:200] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target[:200])
    model = build()
    noisy = split_parameters(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for step, rows in enumerate(torch.randperm(200).split(40)):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        add_noise(noisy, scale=0.01)
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
