"""Labels from several annotators: the most frequent answer counts."""

import hashlib
import random

import torch
from torch import nn

ANSWERS = ["anger", "fear", "joy", "sadness", "surprise", "trust"]


def annotate(rng, annotators=4):
    return rng.choices(ANSWERS, k=annotators)


def majority(votes):
    return max(set(votes), key=votes.count)  # planted


def main():
    rng = random.Random(8)
    torch.manual_seed(8)
    votes = [annotate(rng) for _ in range(120)]
    y = torch.tensor([ANSWERS.index(majority(v)) for v in votes])
    x = torch.randn(120, 9)
    model = nn.Linear(9, len(ANSWERS))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for rows in torch.randperm(120).split(20):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
