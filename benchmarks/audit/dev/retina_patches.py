import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class RetinaPatches(Dataset):
    def __init__(self, volume, labels, size, seed):
        self.volume = volume
        self.labels = labels
        self.size = size
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return len(self.volume)

    def __getitem__(self, i):
        h, w = self.volume[i].shape
        top = self.rng.integers(h - self.size)
        left = self.rng.integers(w - self.size)
        patch = self.volume[i, top : top + self.size, left : left + self.size]
        return torch.from_numpy(patch.astype(np.float32))[None], int(self.labels[i])


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--size", type=int, default=48)
    args = ap.parse_args()
    torch.manual_seed(args.seed)
    blob = np.load("retina.npz")
    data = RetinaPatches(blob["volume"], blob["labels"], args.size, args.seed)
    g = torch.Generator().manual_seed(args.seed)
    loader = DataLoader(data, batch_size=32, shuffle=True, num_workers=4, generator=g)
    net = nn.Sequential(nn.Conv2d(1, 16, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 23 * 23, 5))
    opt = torch.optim.Adam(net.parameters(), lr=3e-4)
    for _ in range(20):
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
    torch.save(net.state_dict(), "retina.pt")


if __name__ == "__main__":
    main()
