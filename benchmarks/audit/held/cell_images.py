import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split


class Cells(Dataset):
    def __init__(self, root):
        self.paths = [p for p in Path(root).glob("**/*.npy")]

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        path = self.paths[i]
        image = torch.from_numpy(np.load(path)).float()
        return image.unsqueeze(0), float(path.parent.name == "infected")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--root", default="cells")
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    torch.manual_seed(args.seed)

    train, held = random_split(Cells(args.root), [0.8, 0.2])
    loaders = {
        "train": DataLoader(train, batch_size=32, shuffle=True),
        "held": DataLoader(held, batch_size=32),
    }
    net = nn.Sequential(nn.Conv2d(1, 16, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 20 * 20, 1))
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(10):
        for x, y in loaders["train"]:
            loss = nn.functional.binary_cross_entropy_with_logits(net(x).squeeze(1), y.float())
            opt.zero_grad()
            loss.backward()
            opt.step()
    net.eval()
    with torch.no_grad():
        hits = [((net(x).squeeze(1) > 0) == (y > 0.5)).float().mean().item() for x, y in loaders["held"]]
    print(sum(hits) / len(hits))


if __name__ == "__main__":
    main()
