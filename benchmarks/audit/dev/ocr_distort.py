import argparse
import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Glyphs(Dataset):
    def __init__(self, root):
        self.images = np.load(f"{root}/glyphs.npy")
        self.labels = np.load(f"{root}/labels.npy")

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = np.roll(self.images[i], random.randint(-3, 3), axis=1).astype(np.float32)
        image += np.random.normal(0, 8, image.shape)
        return torch.from_numpy(image).float().unsqueeze(0) / 255, int(self.labels[i])


class Run:
    def __init__(self, args):
        self.args = args
        random.seed(args.seed)
        np.random.seed(args.seed)
        torch.manual_seed(args.seed)

    def init_worker(self, worker_id):
        np.random.seed(self.args.seed + worker_id)
        random.seed(self.args.seed + worker_id)

    def train(self):
        g = torch.Generator().manual_seed(self.args.seed)
        data = Glyphs(self.args.root)
        loader = DataLoader(data, 128, True, num_workers=3, worker_init_fn=self.init_worker, generator=g)
        net = nn.Sequential(nn.Flatten(), nn.Linear(32 * 32, 256), nn.ReLU(), nn.Linear(256, 62))
        opt = torch.optim.SGD(net.parameters(), lr=0.1)
        for epoch in range(self.args.epochs):
            for x, y in loader:
                loss = nn.functional.cross_entropy(net(x), y)
                opt.zero_grad()
                loss.backward()
                opt.step()
            print(epoch, loss.item())


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("root")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--epochs", type=int, default=15)
    Run(ap.parse_args()).train()
