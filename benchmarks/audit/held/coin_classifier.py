import random

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Coins(Dataset):
    def __init__(self, rows, train):
        self.rows = rows
        self.train = train

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        path, label = self.rows[i]
        image = Image.open(path).convert("L").resize((64, 64))
        if self.train:
            image = image.rotate(random.uniform(-180, 180))
            if random.random() < 0.3:
                image = ImageOps.autocontrast(image)
        return torch.from_numpy(np.asarray(image, dtype=np.float32)[None] / 255), label


def seed_all(seed):
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)


def main():
    seed_all(123)
    rows = [line.rstrip("\n").split("\t") for line in open("coins.tsv")]
    rows = [(path, int(label)) for path, label in rows]
    data = Coins(rows, train=True)
    loader = DataLoader(data, batch_size=64, shuffle=True, generator=torch.Generator().manual_seed(123))
    net = nn.Sequential(nn.Flatten(), nn.Linear(64 * 64, 128), nn.ReLU(), nn.Linear(128, 9))
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(30):
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
    torch.save(net.state_dict(), "coins.pt")


if __name__ == "__main__":
    main()
