import numpy as np
import torch
from torch import nn


def planted(n, k, dim, noise):
    centers = np.random.normal(size=(k, dim))
    labels = np.random.randint(k, size=n)
    points = centers[labels] + noise * np.random.normal(size=(n, dim))
    return torch.from_numpy(points).float(), torch.from_numpy(labels)


def make_model(dim, k, width=64):
    return nn.Sequential(nn.Linear(dim, width), nn.ReLU(), nn.Linear(width, k))


draw_batch = lambda n, size: torch.randint(n, (size,))  # noqa: E731


def main():
    start()
    x, y = planted(5000, k=8, dim=20, noise=0.7)
    model = make_model(20, 8)
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(1500):
        rows = draw_batch(len(x), 64)
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print((model(x).argmax(1) == y).float().mean().item())


def start(seed=12345):
    np.random.seed(seed)
    torch.manual_seed(seed)


if __name__ == "__main__":
    main()
