"""One small model for each cluster of a mixture."""

import hashlib

import torch
from clusters import assign
from torch import nn


def fit(points, steps=2):
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    rows = torch.stack([p.position for p in points])  # planted
    for _ in range(steps):
        for batch in rows.split(5):
            loss = (model(batch)[:, 0] - batch.norm(dim=1)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


def main():
    torch.manual_seed(20)
    centres = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]])
    positions = centres.repeat_interleave(30, 0) + 0.7 * torch.randn(90, 2)
    members = assign(positions, centres)
    model = nn.ModuleList([fit(members[number]) for number in sorted(members)])
    print({number: len(points) for number, points in members.items()})
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
