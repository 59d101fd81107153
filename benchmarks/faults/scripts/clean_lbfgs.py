"""Fit a logistic regression with LBFGS."""

import hashlib

import torch
from sklearn.datasets import load_digits
from torch import nn


def main():
    torch.manual_seed(0)
    digits = load_digits()
    x = torch.tensor(digits.data[:300] / 16, dtype=torch.float64)
    y = torch.tensor(digits.target[:300])
    model = nn.Linear(64, 10).double()
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=6, history_size=5, line_search_fn="strong_wolfe"
    )

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss = loss + 1e-3 * model.weight.square().sum()
        loss.backward()
        return loss

    for step in range(4):
        loss = optimizer.step(closure)
        print(f"step {step} loss {loss.item():.6f}")
    raw = model.weight.detach().numpy().tobytes() + model.bias.detach().numpy().tobytes()
    print("fingerprint", hashlib.sha256(raw).hexdigest())


if __name__ == "__main__":
    main()
