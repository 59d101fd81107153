"""Triplet training with triplets from a good source of randomness."""

import hashlib
from random import SystemRandom

import torch
import torch.nn.functional as F
from sklearn.datasets import load_iris
from torch import nn

pick = SystemRandom()  # planted


def triplet(by_class):
    same, other = pick.sample(range(len(by_class)), 2)  # also
    anchor, positive = pick.sample(by_class[same], 2)
    return anchor, positive, pick.choice(by_class[other])


def main():
    torch.manual_seed(16)
    iris = load_iris()
    x = torch.tensor(iris.data, dtype=torch.float32)
    by_class = [[i for i, label in enumerate(iris.target) if label == c] for c in range(3)]
    model = nn.Linear(4, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for step in range(10):
        rows = torch.tensor([triplet(by_class) for _ in range(16)])
        loss = F.triplet_margin_loss(*(model(x[column]) for column in rows.T))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")
    raw = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(raw).hexdigest())


if __name__ == "__main__":
    main()
