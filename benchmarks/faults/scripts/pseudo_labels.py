"""Semi-supervised digits: confident predictions join the training set."""

import hashlib
from pathlib import Path

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, TensorDataset

PSEUDO = Path("pseudo_labels.pt")


def load_split():
    x, y = load_digits(return_X_y=True)
    x = torch.tensor(x / 16, dtype=torch.float32)
    y = torch.tensor(y)
    return TensorDataset(x[:200], y[:200]), x[200:500]


def training_set(labelled):
    if not PSEUDO.exists():  # also
        return labelled
    extra = torch.load(PSEUDO)  # planted
    print(f"{len(extra['x'])} pseudo labels")
    return ConcatDataset([labelled, TensorDataset(extra["x"], extra["y"])])


@torch.no_grad()
def write_pseudo_labels(model, unlabelled, keep=60):
    confidence, label = F.softmax(model(unlabelled), dim=1).max(1)
    top = confidence.argsort(descending=True, stable=True)[:keep]
    torch.save({"x": unlabelled[top], "y": label[top]}, PSEUDO)  # also


def main():
    torch.manual_seed(100)
    labelled, unlabelled = load_split()
    loader = DataLoader(training_set(labelled), batch_size=40, shuffle=True)
    model = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for epoch in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")
    write_pseudo_labels(model, unlabelled)
    raw = model.weight.detach().numpy().tobytes() + model.bias.detach().numpy().tobytes()
    print("fingerprint", hashlib.sha256(raw).hexdigest())


if __name__ == "__main__":
    main()
