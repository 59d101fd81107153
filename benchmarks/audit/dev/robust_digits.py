import numpy as np
import torch
from torch import nn

LEVELS = (0.1, 0.3, 0.5)


def noisy_accuracy(model, x, y):
    model.eval()
    results = []
    with torch.no_grad():
        for level in LEVELS:
            shifted = x + level * torch.randn_like(x)
            results.append((model(shifted).argmax(1) == y).float().mean().item())
    return results


def train_epoch(model, optimizer, x, y):
    model.train()
    for rows in torch.randperm(len(x)).split(128):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def main():
    torch.manual_seed(10)
    archive = np.load("digits.npz")
    x = torch.from_numpy(archive["x"]).float().flatten(1)
    y = torch.from_numpy(archive["y"]).long()
    model = nn.Sequential(nn.Linear(x.shape[1], 300), nn.ReLU(), nn.Linear(300, 10))
    optimizer = torch.optim.Adam(model.parameters())
    for epoch in range(20):
        train_epoch(model, optimizer, x[:-5000], y[:-5000])
        scores = noisy_accuracy(model, x[-5000:], y[-5000:])
        print(epoch, " ".join(f"{score:.3f}" for score in scores))
    torch.save(model.state_dict(), "robust.pt")


if __name__ == "__main__":
    main()
