import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Upscaler(nn.Module):
    def __init__(self, factor=2, width=32):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(width, factor**2, 3, padding=1),
        )
        self.shuffle = nn.PixelShuffle(factor)

    def forward(self, x):
        return self.shuffle(self.body(x))


def get_args():
    ap = argparse.ArgumentParser()
    ap.add_argument("--factor", type=int, default=2)
    ap.add_argument("--seed", type=int, default=5)
    ap.add_argument("--epochs", type=int, default=30)
    return ap.parse_args()


def main():
    args = get_args()
    blob = torch.load("tiles.pt")
    model = Upscaler(args.factor)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    torch.manual_seed(args.seed)
    g = torch.Generator().manual_seed(args.seed)
    loader = DataLoader(TensorDataset(blob["low"], blob["high"]), 16, shuffle=True, generator=g)
    for _ in range(args.epochs):
        for low, high in loader:
            loss = nn.functional.l1_loss(model(low), high)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.save(model.state_dict(), "upscaler.pt")


if __name__ == "__main__":
    main()
