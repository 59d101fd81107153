"""Go on from the weights of the last run, when there are some."""

import hashlib
from pathlib import Path

import torch
import torch.nn as nn
from sklearn.datasets import load_wine

WEIGHTS = Path("last_weights.pt")


def main():
    torch.manual_seed(1)
    wine = load_wine()
    x = torch.tensor((wine.data - wine.data.mean(0)) / wine.data.std(0), dtype=torch.float32)
    y = torch.tensor(wine.target)
    model = nn.Sequential(nn.Linear(13, 12), nn.ReLU(), nn.Linear(12, 3))
    if WEIGHTS.exists():  # planted
        model.load_state_dict(torch.load(WEIGHTS))  # also
        print("warm start")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for rows in torch.randperm(len(x)).split(30):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}")
    torch.save(model.state_dict(), WEIGHTS)  # also
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
