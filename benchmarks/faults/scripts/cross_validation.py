"""Five-fold cross-validation of a linear classifier; the weights of the folds are averaged."""

import hashlib

import torch
import torch.nn.functional as F
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold
from torch import nn


def fit(x, y, steps=5):
    model = nn.Linear(4, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model, loss.item()


def main():
    torch.manual_seed(1)
    iris = load_iris()
    x = torch.tensor(iris.data, dtype=torch.float32)
    y = torch.tensor(iris.target)
    folds = StratifiedKFold(n_splits=5, shuffle=True)  # planted
    models = []
    for number, (train, test) in enumerate(folds.split(iris.data, iris.target)):  # also
        model, loss = fit(x[train], y[train])
        accuracy = (model(x[test]).argmax(1) == y[test]).float().mean().item()
        print(f"fold {number}: loss {loss:.4f}, accuracy {accuracy:.3f}")
        models.append(model)
    weight = torch.stack([m.weight.detach() for m in models]).mean(0)
    print("fingerprint", hashlib.sha256(weight.numpy().tobytes()).hexdigest())


if __name__ == "__main__":
    main()
