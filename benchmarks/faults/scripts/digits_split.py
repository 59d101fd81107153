"""Logistic regression baseline: split, standardise, train, report accuracy."""

import argparse
import hashlib
import random

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


def get_data(test_size):
    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=test_size)  # planted
    mean, std = x_train.mean(0), x_train.std(0) + 1e-6
    x_train = torch.tensor((x_train - mean) / std, dtype=torch.float32)
    x_test = torch.tensor((x_test - mean) / std, dtype=torch.float32)
    return x_train, x_test, torch.tensor(y_train), torch.tensor(y_test)


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--test-size", type=float, default=0.3)
    args = parser.parse_args()

    random.seed(args.seed)
    torch.manual_seed(args.seed)

    x_train, x_test, y_train, y_test = get_data(args.test_size)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=128, shuffle=True)
    model = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
    for xb, yb in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(xb), yb).backward()
        optimizer.step()
    print(f"test accuracy {evaluate(model, x_test, y_test):.4f}")
    state = model.weight.detach().numpy().tobytes() + model.bias.detach().numpy().tobytes()
    print("fingerprint", hashlib.sha256(state).hexdigest())
