import argparse
import os

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Tiles(Dataset):
    def __init__(self, root):
        self.root = root
        self.files = [f for f in os.listdir(root) if f.endswith(".npy")]

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        name = self.files[i]
        tile = np.load(os.path.join(self.root, name)).astype(np.float32)
        return torch.from_numpy(tile), int(name.split("_")[0])


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--root", default="tiles")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--epochs", type=int, default=10)
    return p.parse_args()


def main():
    args = parse()
    torch.manual_seed(args.seed)
    g = torch.Generator().manual_seed(args.seed)
    loader = DataLoader(Tiles(args.root), batch_size=32, shuffle=True, generator=g, num_workers=4)
    net = nn.Sequential(nn.Conv2d(4, 16, 3, 2), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10))
    net(torch.zeros(1, 4, 64, 64))
    opt = torch.optim.Adam(net.parameters())
    for epoch in range(args.epochs):
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
    torch.save(net.state_dict(), "tiles.pt")


if __name__ == "__main__":
    main()
