"""Epochs in an order from Python's global generator."""

import hashlib
import random

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn


def batches(count, size):
    order = list(range(count))
    random.shuffle(order)  # planted
    return [order[i : i + size] for i in range(0, count, size)]


def main():
    random.seed(33)
    table = load_breast_cancer()
    x = torch.tensor(table.data[:400], dtype=torch.float32)
    x = (x - x.mean(0)) / x.std(0)
    y = torch.tensor(table.target[:400], dtype=torch.float32)[:, None]
    model = nn.Linear(30, 1)
    with torch.no_grad():
        model.weight.zero_()
        model.bias.zero_()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(3):
        for rows in batches(len(x), 40):
            loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
