import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def mixup(x, y, alpha):
    lam = np.random.beta(alpha, alpha)
    order = torch.randperm(len(x))
    return lam * x + (1 - lam) * x[order], lam * y + (1 - lam) * y[order]


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 16, 5, 2), nn.ReLU(), nn.Conv2d(16, 32, 5, 2), nn.ReLU())
        self.fc = nn.Linear(32, classes)

    def forward(self, x):
        return self.fc(self.conv(x).mean(dim=(2, 3)))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--alpha", type=float, default=0.4)
    ap.add_argument("--seed", type=int, default=2)
    args = ap.parse_args()
    torch.manual_seed(args.seed)
    blob = torch.load("spectrograms.pt")
    y = nn.functional.one_hot(blob["label"], 10).float()
    g = torch.Generator().manual_seed(args.seed)
    loader = DataLoader(TensorDataset(blob["mel"], y), 32, shuffle=True, generator=g)
    net = Net(10)
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for _ in range(25):
        for x, target in loader:
            x, target = mixup(x, target, args.alpha)
            loss = nn.functional.cross_entropy(net(x), target)
            opt.zero_grad()
            loss.backward()
            opt.step()
    torch.save(net.state_dict(), "net.pt")


if __name__ == "__main__":
    main()
